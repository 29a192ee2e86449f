import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingEntries, flagName } from '@guestpass/runtime'
import { beforeAll, describe, expect, it } from 'vitest'
import { commandGroups, commands as listedCommands } from '../../packages/cli/src/commands/index.ts'
import { commandFaults, type Commands, commandsIn } from '../reference/commands.ts'
import { fencesOf } from '../reference/markdown.ts'
import { pageOf } from './page.ts'
import { generalLanguages, programsOfPages } from './page-table.ts'

const root = join(import.meta.dirname, '../..')
const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((page) => page !== '' && existsSync(join(root, page)))
const blocks = pages.flatMap((page) => fencesOf(pageOf(page)).map((fence) => ({ page, ...fence })))

/** Flags that every command takes. */
const common = ['--connection', '--database', '--json', '--help', '--reveal', '--raw']
const settingFlags = settingEntries.flatMap(([key]) => flagName(key) ?? [])

let commands: Commands
beforeAll(async () => {
  const loaded = await Promise.all(listedCommands.map(async (command) => [command.name, await command.load()] as const))
  const { scripts } = JSON.parse(pageOf('package.json')) as { scripts: Readonly<Record<string, string>> }
  const sourceOf = (command: string): string => {
    const file = /\bnode ([\w/.-]+\.ts)/.exec(command)?.[1]
    return file === undefined ? command : readFileSync(join(root, file), 'utf8')
  }
  commands = {
    groups: Object.keys(commandGroups),
    scripts: new Map(Object.entries(scripts).map(([name, command]) => [name, sourceOf(command)])),
    verbs: new Map(
      loaded.map(([name, { options = [] }]) => {
        const own = options.flatMap(([syntax]) => syntax.match(/--[\w-]+/g) ?? [])
        return [name, new Set([...own, ...common, ...settingFlags])]
      }),
    ),
  }
})

describe('the blocks of code of all pages', () => {
  it('are in a language that is checked', () => {
    const unchecked = blocks
      .filter(({ page, language }) => !generalLanguages.includes(language) && !programsOfPages[page]?.[language])
      .map(({ page, at, language }) => `${page}:${at}: ${language || 'no language'}`)
    expect(unchecked).toEqual([])
  })

  it('are read by the test files that the table names, and the table names no others', () => {
    for (const [page, languages] of Object.entries(programsOfPages)) {
      for (const [language, file] of Object.entries(languages)) {
        expect(blocks.filter((block) => block.page === page && block.language === language)).not.toEqual([])
        expect(pageOf(file)).toContain(`'${page}'`)
      }
    }
  })

  it('hold JSON that parses', () => {
    const found = blocks.filter(({ language }) => language === 'json')
    expect(found).not.toEqual([])
    for (const { code } of found) expect(() => JSON.parse(code)).not.toThrow()
  })

  it('hold diagrams that begin as mermaid wants', () => {
    const found = blocks.filter(({ language }) => language === 'mermaid')
    expect(found).not.toEqual([])
    for (const { code } of found) expect(code).toMatch(/^(flowchart TB|sequenceDiagram)\n {2}\S/)
  })

  it('show commands that exist, with flags that they take', () => {
    // The page on a new API shows the flag that the API of its example adds; guest-api.test.ts runs it.
    const known = (page: string): string => pageOf(page).replaceAll(' --nickname Annie', '')
    const shown = pages.flatMap((page) => commandsIn(page, known(page)))
    expect(shown.length).toBeGreaterThan(50)
    expect(shown.flatMap((command) => commandFaults(command, commands))).toEqual([])
  })
})

describe('the check of commands', () => {
  const faults = (text: string) => commandsIn('a.md', text).flatMap((command) => commandFaults(command, commands))

  it('finds commands, scripts and flags that are not there', () => {
    const block = (line: string) => `\`\`\`sh\n${line}\n\`\`\`\n`
    expect(faults(block('npx guestpass guest issu --api x'))).toEqual(['a.md:2: guestpass has no guest issu'])
    expect(faults(block('T=$(guestpass guest token "$ID" --rwa)'))).toEqual([
      'a.md:2: guestpass guest token takes no --rwa',
    ])
    expect(faults(block('npm run crash-tests -- --event 1'))).toEqual(['a.md:2: npm run crash-tests takes no --event'])
    expect(faults('see `npm run nothing` and `guestpass nothing --json`')).toEqual([
      'a.md:1: there is no npm run nothing',
      'a.md:1: guestpass has no nothing',
    ])
  })

  it('passes those that are there', () => {
    expect(faults('`guestpass guest list`, `npx guestpass --version`, `npm run bench`')).toEqual([])
    expect(faults('```ts\nguestpass nothing\n```\nguestpass nothing\n')).toEqual([])
  })
})
