import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { parseGuestId, parseGuestTokenRequest } from '../../../src/guests/requests/guest-token-request.ts'
import { durations } from '../../../src/upstream/guest-tokens/durations.ts'
import { guestScopes } from '../../../src/upstream/guest-tokens/scopes.ts'

const ID = '6f9619ff-8b86-4d11-b42d-00c04fc964ff'
const NEW = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'
const [SEND, RECEIVE] = guestScopes

const parse = (input: unknown) => parseGuestTokenRequest(input, () => NEW)

function thrownBy(act: () => unknown): GuestpassError {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) return thrown
  }
  throw new Error('accepted')
}

const refusal = (input: unknown): GuestpassError => thrownBy(() => parse(input))

const faultyFields = (input: unknown): string[] => [...new Set((refusal(input).fields ?? []).map(({ field }) => field))]

describe('a request for a guest token', () => {
  it('requires only scopes, and defaults to a new id and a short session', () => {
    expect(parse({ scopes: [SEND] })).toEqual({ guestId: NEW, durationSeconds: 3_600, scopes: [SEND] })
    expect(parse({ guestId: undefined, duration: undefined, scopes: [SEND] }).guestId).toBe(NEW)
  })

  it('keeps the id in lower case, and each scope once', () => {
    const parsed = parse({ guestId: ID.toUpperCase(), scopes: [RECEIVE, SEND, RECEIVE] })
    expect(parsed).toEqual({ guestId: ID, durationSeconds: 3_600, scopes: [RECEIVE, SEND] })
  })

  it.each([
    ['shortSession', 3_600],
    ['standardSession', 7_200],
    ['extendedSession', 14_400],
    ['maxLifetime', 86_400],
    ['short', 3_600],
    ['standard', 7_200],
    ['extended', 14_400],
    ['max', 86_400],
    ['900', 900],
    [1, 1],
    [86_400, 86_400],
    ['90m', 5_400],
    ['2h', 7_200],
    ['24h', 86_400],
  ])('lasts %s: %i seconds', (duration, seconds) => {
    expect(parse({ duration, scopes: [SEND] }).durationSeconds).toBe(seconds)
  })

  it.each([
    0,
    -1,
    0.5,
    86_401,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e300,
    '0',
    '86401',
    '-5',
    '1.5',
    '1e3',
    '',
    ' 60',
    'forever',
    'SHORT',
    '__proto__',
    'toString',
    null,
    true,
    [60],
    {},
    '25h',
    '0m',
    '90 m',
    '1.5h',
    '2d',
  ])('rejects the duration %j', (duration) => {
    expect(faultyFields({ duration, scopes: [SEND] })).toEqual(['duration'])
  })

  it.each([
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    'c232ab00-9414-11ec-b3c8-9f6bdeced846',
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
    '2489e9ad-2ee2-8e00-8ec9-32d5f69181c0',
  ])('accepts the UUID %s', (guestId) => {
    expect(parse({ guestId, scopes: [SEND] }).guestId).toBe(guestId)
  })

  it.each([
    '',
    'guest-1',
    `${ID} `,
    `${ID}\n`,
    `{${ID}}`,
    `urn:uuid:${ID}`,
    ID.replaceAll('-', ''),
    ID.slice(1),
    '6f9619ff-8b86-9d11-b42d-00c04fc964ff',
    '6f9619ff-8b86-4d11-c42d-00c04fc964ff',
    '6f9619ff-8b86-0d11-b42d-00c04fc964ff',
    42,
    null,
    { id: ID },
  ])('rejects the id %j', (guestId) => {
    expect(faultyFields({ guestId, scopes: [SEND] })).toEqual(['guestId'])
    expect(refusal({ guestId, scopes: [SEND] }).fields?.[0]?.remedy).toContain('or leave it out')
  })

  it.each([
    [undefined, 'scopes'],
    [null, 'scopes'],
    [[], 'scopes'],
    [SEND, 'scopes'],
    [['webmessaging:guest'], 'scopes[0]'],
    [[SEND, `${SEND} `], 'scopes[1]'],
    [[SEND, `${SEND} ${RECEIVE}`], 'scopes[1]'],
    [['WEBMESSAGING:GUEST:SEND'], 'scopes[0]'],
    [['webmessaging:guest:delete'], 'scopes[0]'],
    [[SEND, 7], 'scopes[1]'],
  ])('rejects the scopes %j', (scopes, field) => {
    expect(faultyFields({ scopes })).toEqual([field])
  })

  it('is rejected with every fault, its path and remedy', () => {
    const error = refusal({
      guestId: 'guest-1',
      duration: 0,
      scopes: [SEND, 'all'],
      tier: 'gold',
      email: 'a@b.example',
    })
    expect(error.code).toBe('invalid_input')
    const fields = error.fields ?? []
    expect(fields.map(({ field }) => field).sort()).toEqual(['duration', 'email', 'guestId', 'scopes[1]', 'tier'])
    for (const { field, message, remedy } of fields) {
      expect(error.message).toContain(`${field}: ${message}`)
      expect(remedy).not.toBe('')
    }
    const remedies = Object.fromEntries(fields.map(({ field, remedy }) => [field, remedy]))
    expect(remedies['duration']).toContain(Object.keys(durations).join(', '))
    expect(remedies['scopes[1]']).toContain(guestScopes.join(', '))
    expect(remedies['guestId']).toContain('UUID')
    expect(remedies['tier']).toBe('Leave it out.')
  })

  it.each([undefined, null, 'guest', 7, [], [{ scopes: [SEND] }], () => {}])('rejects %j', (input) => {
    expect(faultyFields(input)).toEqual(['request'])
  })

  it('is accepted whole or rejected as invalid_input for any input', () => {
    const near = fc.record(
      {
        guestId: fc.oneof(fc.uuid(), fc.anything()),
        duration: fc.oneof(fc.constantFrom(...Object.keys(durations)), fc.integer(), fc.anything()),
        scopes: fc.oneof(fc.subarray([...guestScopes]), fc.array(fc.anything()), fc.anything()),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(near, fc.anything()), (input) => {
        try {
          const { guestId, durationSeconds, scopes } = parse(input)
          expect(parseGuestId(guestId)).toBe(guestId)
          expect(Number.isInteger(durationSeconds) && durationSeconds >= 1 && durationSeconds <= 86_400).toBe(true)
          expect(scopes.length > 0 && scopes.every((scope) => (guestScopes as readonly string[]).includes(scope))).toBe(
            true,
          )
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(GuestpassError)
          expect((thrown as GuestpassError).fields?.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a request without its API', () => {
  it.each([
    [{ email: 'ann@example.com', consent: true, channelId: 'web' }, "Give api: 'engagements'."],
    [{ email: 'ann@example.com' }, "Give api: 'engagements' or api: 'external-users'."],
  ])('that has the fields of another one is answered with its name: %j', (input, remedy) => {
    expect(refusal(input).fields).toEqual([
      { field: 'api', message: expect.stringMatching(/^is missing: this looks like a request of engagements/), remedy },
    ])
  })

  it('that is none of another API says what is missing', () => {
    expect(refusal({}).fields).toMatchObject([{ field: 'scopes', message: 'is missing' }])
    expect(faultyFields({ email: 'ann@example.com', x: 1 })).toEqual(['scopes', 'email', 'x'])
  })
})
