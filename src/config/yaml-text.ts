/** A configuration as YAML; here because only this folder knows the package. */
import { stringify as yaml } from 'yaml'

export function stringify(value: unknown): string {
  return yaml(value, { lineWidth: 0 })
}
