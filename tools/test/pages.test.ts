import { describe, expect, it } from 'vitest'
import { linkFaults } from '../reference/links.ts'
import { anchorsOf, fencesOf } from '../reference/markdown.ts'
import { proseFaults, wrapped } from '../reference/prose.ts'

describe('the reader of pages', () => {
  it('gives each block of code with its language and line', () => {
    const page = 'a\n```sh\nls\n```\n\n````\n```ts\n````\n'
    expect(fencesOf(page)).toEqual([
      { language: 'sh', at: 2, code: 'ls\n' },
      { language: '', at: 6, code: '```ts\n' },
    ])
  })

  it('makes anchors as GitHub does', () => {
    expect([...anchorsOf('# A `gp.on`, and [b](c.md)\n## Two\n## Two\n```\n# no\n```\n')]).toEqual([
      'a-gpon-and-b',
      'two',
      'two-1',
    ])
  })
})

describe('the check of links', () => {
  const files: Readonly<Record<string, string>> = {
    'README.md': '# Title\n[a](docs/a.md#one) [b](docs) [c](#title) [d](https://x.example/#y) `a.ts` `src/a.ts`\n',
    'docs/a.md': '## One\n[up](../README.md)\n```sh\n[not a link](nowhere)\nnode mine.mts\n```\n`mine.mts`\n',
    'packages/core/src/a.ts': '',
  }
  const faults = (page: string, text: string) =>
    linkFaults(page, { files: Object.keys(files), read: (file) => (file === page ? text : files[file]) })

  it('finds nothing where links and paths are right', () => {
    for (const page of ['README.md', 'docs/a.md']) expect(faults(page, files[page] ?? '')).toEqual([])
  })

  it('finds files, anchors and code paths that are not there', () => {
    expect(faults('docs/a.md', '[x](b.md)\n[y](../README.md#two) [z](#three)\n`src/b.ts`')).toEqual([
      'docs/a.md:1: links to docs/b.md, which is not there',
      'docs/a.md:2: links to #two, which README.md does not have',
      'docs/a.md:2: links to #three, which docs/a.md does not have',
      'docs/a.md:3: names src/b.ts, which is not there',
    ])
  })
})

describe('the check of prose', () => {
  const long = `${'word '.repeat(30)}end`

  it('finds lines that are too long, outside of tables, headings and code', () => {
    const page = `${long}\n| ${long} |\n# ${long}\n\`\`\`\n${long}\n\`\`\`\n[${'x'.repeat(120)}](y)\n`
    expect(proseFaults('a.md', page)).toEqual(['a.md:1: 153 characters, more than 110'])
  })

  it('breaks long paragraphs and list items anew, and leaves the rest', () => {
    const page = `# A\n\nshort\nlines\n\n${long}\nmore\n\n  * ${long}\n* b\n\n| ${long} |\n`
    const made = wrapped(page)
    expect(proseFaults('a.md', made)).toEqual([])
    expect(made).toContain('# A\n\nshort\nlines\n\nword')
    expect(made).toMatch(/\n {2}\* word .*\n {4}word .*end\n\* b\n/)
    expect(made.replaceAll(/\s+/g, ' ')).toBe(page.replaceAll(/\s+/g, ' '))
  })
})
