import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { flagName, settingEntries } from '@guestpass/runtime'
import { expect, it } from 'vitest'
import { commands } from '../src/commands/index.ts'

const root = join(import.meta.dirname, '../..')
const sources = globSync('{cli,runtime}/src/**/*.ts', { cwd: root }).map((name) =>
  readFileSync(join(root, name), 'utf8'),
)
/** What the sources say, without their comments. */
const said = sources.join('\n').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
const names = commands.map(({ name }) => name)

/** Commands as messages name them: in back-ticks, `guestpass login`, or through the writer of commands of a remedy. */
const advised = [
  ...[...said.matchAll(/\\?`guestpass ([a-z][a-z -]*)/g)].map(([, words = '']) => words.trim()),
  ...[...said.matchAll(/\bcommand(?:For)?\((?:[\w.]+, )?['`]([a-z][a-z -]*)[^'`]*['`]\)/g)].map(([, words = '']) =>
    words.trim(),
  ),
]

const isKnown = (words: string): boolean => names.some((name) => `${words} `.startsWith(`${name} `))

it('advises only commands that exist', () => {
  expect(advised.length).toBeGreaterThan(20)
  expect(advised.filter((words) => !isKnown(words))).toEqual([])
  expect(['guest find', 'guest isue'].map(isKnown)).toEqual([true, false])
})

it('advises only flags that a command has', async () => {
  const definitions = await Promise.all(commands.map((one) => one.load()))
  const known = new Set([
    ...definitions.flatMap(({ options = [] }) => options.flatMap(([syntax]) => syntax.match(/--[\w-]+/g) ?? [])),
    ...settingEntries.flatMap(([key]) => flagName(key) ?? []),
    '--connection',
    '--database',
    '--json',
    '--reveal',
    '--raw',
    '--help',
    '--version',
    '--no-color',
  ])
  const remedies = readFileSync(join(root, 'runtime/src/remedies.ts'), 'utf8')
  const flags = [...new Set(remedies.match(/--[a-z][\w-]*/g))]
  expect(flags.length).toBeGreaterThan(4)
  expect(flags.filter((flag) => !known.has(flag))).toEqual([])
})
