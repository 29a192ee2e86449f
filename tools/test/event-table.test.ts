import { readFileSync } from 'node:fs'
import { eventTypes } from '@guestpass/core/runtime-kit'
import { expect, it } from 'vitest'

it('the page on the audit log has every type of event in its table', () => {
  const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8')
  const rows = page.slice(page.indexOf('## Events'), page.indexOf('## The chain')).split('\n')
  const named = rows
    .filter((row) => row.startsWith('| '))
    .flatMap((row) => row.match(/\b[A-Z]+(?:_[A-Z]+)+\b|guest\.authentication/g) ?? [])
  expect(eventTypes.filter((type) => !named.includes(type))).toEqual([])
})
