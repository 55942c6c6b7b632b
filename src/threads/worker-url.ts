/** Worker entry points by name. Written `.js`: workers always run compiled, beside this file in dist/. */
export function workerUrl(name: 'parser' | 'kafka'): URL {
  return new URL(`../../workers/${name}.worker.js`, import.meta.url)
}
