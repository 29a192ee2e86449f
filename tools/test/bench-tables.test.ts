import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PAGES, withTables } from '../../bench/pages.ts'
import { results } from '../../bench/results.ts'

const root = join(import.meta.dirname, '../..')

describe('the tables of measured figures', () => {
  it.each(PAGES)('are those of bench/results.json in %s (npm run bench -- --tables writes them)', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    expect(text).toContain('<!-- bench -->\n| measure |')
    expect(withTables(text, results())).toBe(text)
  })

  it('change with the results', () => {
    const { P1 } = results()
    const page = '<!-- bench -->\n\n<!-- /bench -->\n<!-- figures -->\n\n<!-- /figures -->\n'
    const text = withTables(page, P1 ? { P1 } : {})
    expect(text).toMatch(/<!-- bench -->\n\| measure [^]+\| P1 cached access token[^]+<!-- \/bench -->/)
    expect(text).toMatch(/<!-- figures -->\n### P1 cached access token[^]+<!-- \/figures -->\n$/)
    expect(text).not.toContain('P2')
  })
})
