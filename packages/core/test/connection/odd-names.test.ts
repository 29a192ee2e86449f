import { describe, expect, it } from 'vitest'
import { auditLog } from '../../src/audit/audit-log.ts'
import { guestRecords } from '../../src/guests/records/guest-records.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { resolveHosts } from '../../src/upstream/hosts.ts'
import { pathSegment } from '../../src/upstream/path-segment.ts'
import { channelRequest, updateRequest } from '../../src/upstream/engagements/wire.ts'
import { Secret } from '../../src/domain/secret.ts'
import { world } from '../world/world.ts'

const ODD = ['', ' ', '.', '..', 'a b', 'a/b', 'a:b', '-a', '\ud800 ', 'a\u0000', 'a\n', 'é', 'x'.repeat(65)]

describe('the name of a connection', () => {
  it.each<unknown>([...ODD, 5, {}, [], true])('that is %j is refused, naming the field', async (name) => {
    const refused = { code: 'config_invalid', fields: [{ field: 'name' }] }
    const store = memoryStore()
    const clock = fakeClock()
    const given = name as string
    await expect(world().process({ name: given })).rejects.toMatchObject(refused)
    for (const make of [
      () => auditLog(given, { store, clock }),
      () => guestRecords({ connection: given }, { store, random: seededRandom() }),
    ])
      expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

describe('two names of connections that are not well-formed', () => {
  it('share no data, and come back unchanged', async () => {
    const here = world()
    const [one, two, again] = await Promise.all(
      ['tenant\ud800', 'tenant\udfff', 'tenant\ud800'].map((name) => here.process({ name })),
    )
    expect(new Set([one?.name, two?.name]).size).toBe(2)
    expect([one?.name, two?.name].every((name) => name?.isWellFormed())).toBe(true)
    expect(again?.name).toBe(one?.name)
    await expect(here.process({ name: String(one?.name) })).rejects.toMatchObject({ code: 'config_invalid' })
  })
})

describe('a text in the path of a URL', () => {
  it.each(['', '.', '..', '../a', 'a/..', 'a/./b', 'a\\..\\b', '%2e%2E', '.%2e', '..%2fa', 'a%5C..', '\ud800'])(
    'is not sent if it is %j',
    (id) => {
      for (const make of [
        () => pathSegment(id),
        () => channelRequest('https://api.example.com', new Secret('t'), id),
        () => updateRequest('https://api.example.com', new Secret('t'), id, {}),
      ])
        expect(make).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    },
  )

  it.each(['a/b', '...', 'a..b', '%2f', '%', 'a b', 'é?#&', '/a', 'https://x/y'])(
    'is one segment if it is %j',
    (id) => {
      const { url } = channelRequest('https://api.example.com', new Secret('t'), id)
      expect(new URL(url).pathname.split('/').slice(0, -1).join('/')).toBe('/api/v2/journey/actions/channels')
      expect(decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '')).toBe(id)
    },
  )
})

describe('hosts', () => {
  it.each([{ region: 5 }, { baseUrl: {} }, { apiBaseUrl: ['https://x'] }, { tokenPath: true }])(
    'rejects %j with the name of the field',
    (input) => {
      const field = Object.keys(input)[0]
      expect(() => resolveHosts(input as object)).toThrow(
        expect.objectContaining({
          code: 'config_invalid',
          fields: expect.arrayContaining([expect.objectContaining({ field })]),
        }),
      )
    },
  )
})
