/** `npm run golden:update` is the only writer of the expected records; its diff is reviewed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectedRecords, goldenCases, renderRecords } from '../support/golden.ts'

for (const name of goldenCases()) {
  for (const kind of ['native', 'twin'] as const) {
    test(`${name}: the ${kind} kernel makes the expected records`, () => {
      assert.equal(renderRecords(name, kind), expectedRecords(name))
    })
  }
}
