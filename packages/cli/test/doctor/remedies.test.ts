import { type ErrorCode, GuestpassError } from '@guestpass/core'
import { errorCatalogue } from '@guestpass/core/runtime-kit'
import { settingEntries, settingName } from '@guestpass/runtime'
import { expect, it } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { byteText } from '../../src/disk-space.ts'
import { remedyOf, warning, withSettingsOf } from '../../src/doctor/finding.ts'

it('the remedies of doctor name commands and variables that exist', () => {
  const remedies = (Object.keys(errorCatalogue) as ErrorCode[]).map((code) =>
    remedyOf(new GuestpassError(code, ''), 'default'),
  )
  const verbs = commands.map(({ name }) => name)
  const named = remedies.flatMap((remedy) =>
    [...remedy.matchAll(/`guestpass ([a-z]+(?:-[a-z]+)*(?: [a-z]+(?:-[a-z]+)*)*)/g)].map(([, verb]) => verb),
  )
  expect(named).toContain('login')
  expect(named.filter((verb) => !verbs.includes(verb ?? ''))).toEqual([])
  const settings = [...settingEntries.map(([key]) => settingName(key, 'default')), 'HTTPS_PROXY']
  const variables = remedies.flatMap((remedy) => remedy.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [])
  expect(variables).toContain('GENESYS_CLIENT_SECRET')
  expect(variables.filter((name) => !settings.includes(name))).toEqual([])
})

it('a server that answers is no fault of the network', () => {
  const gone = new GuestpassError('upstream_unavailable', '')
  const failing = new GuestpassError('upstream_unavailable', '', { upstream: { status: 503 } })
  expect(remedyOf(gone, 'default')).toContain('DNS')
  expect(remedyOf(failing, 'default')).toMatch(/^The server answers, and fails/)
})

it('the remedies for a connection of the file name its settings', () => {
  const finding = warning(
    'OAuth client',
    'refused',
    'Set GENESYS_CLIENT_SECRET, or GUESTPASS_DATABASE_URL, or HTTPS_PROXY.',
  )
  expect(withSettingsOf('default', finding)).toEqual(finding)
  expect(withSettingsOf('emea', finding).remedy).toBe(
    'Set connections.emea.clientSecret, or GUESTPASS_DATABASE_URL, or HTTPS_PROXY.',
  )
})

it('sizes are shown in the largest unit that fits', () => {
  const shown = [0, 1023, 1024, 1.5 * 1024 ** 2, 70.4 * 1024 ** 3, 2 * 1024 ** 5].map(byteText)
  expect(shown).toEqual(['0 bytes', '1023 bytes', '1.0 KiB', '1.5 MiB', '70.4 GiB', '2048.0 TiB'])
})
