import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderGolden } from '../../scripts/golden-frames.ts'

test('the golden frames are what the simulated exchange makes of their seed', () => {
  const files = renderGolden()
  assert.equal(files.length, 26)
  for (const { folder, frames, source } of files) {
    const path = new URL(`../../../test/golden/binance/${folder}/`, import.meta.url)
    assert.equal(readFileSync(new URL('frames.ndjson', path), 'utf8'), frames, folder)
    assert.equal(readFileSync(new URL('SOURCE.md', path), 'utf8'), source, folder)
  }
})
