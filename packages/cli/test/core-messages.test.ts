import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { GuestpassError } from '@guestpass/core'
import { withSettingNames } from '@guestpass/runtime'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../../core/src/', import.meta.url))
const lines = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) =>
    readFileSync(`${folder}${path}`, 'utf8')
      .split('\n')
      .map((text) => ({ path, text })),
  )
const linesWith = (pattern: RegExp): readonly string[] =>
  lines.filter(({ text }) => pattern.test(text)).map(({ path, text }) => `${path}: ${text.trim()}`)

it('finds no environment variable and no command of this program in the sources of core', () => {
  expect(lines.length).toBeGreaterThan(10_000)
  expect(linesWith(/\b(GENESYS|GUESTPASS)_[A-Z]/)).toEqual([])
  expect(linesWith(/`guestpass (login|guest|connections|sandbox|webhooks|audit verify|keys)\b/)).toEqual([])
})

it('knows the setting of every option with a dot that a message of core names', () => {
  const named = new Set(lines.flatMap(({ text }) => text.match(/(?<=\\?`)(hosts|client|policy)\.\w+/g) ?? []))
  expect(named.size).toBeGreaterThan(5)
  for (const option of named) {
    const error = new GuestpassError('config_invalid', `Set \`${option}\`.`)
    expect([option, withSettingNames(error, () => 'SETTING').message]).toEqual([option, 'Set SETTING.'])
  }
})
