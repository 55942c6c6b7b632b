/**
 * Fault injection for the project's own tests: `SLUICE_TEST_HOOKS=1` opens calls that kill workers, and
 * lets a worker die as often as a test likes. Not a configuration leaf: no file can turn it on.
 */
export function testHooksEnabled(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['SLUICE_TEST_HOOKS'] === '1'
}
