/** Writes test/golden/…/expected.txt from the frames beside it. Run by `npm run golden:update`. */
import { goldenCases, writeExpected } from '../test/support/golden.ts'

for (const name of goldenCases()) writeExpected(name)
