import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../src/domain/json.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { mergedAttributes } from '../../../src/guests/enrichment/attributes.ts'
import { complianceFlags } from '../../../src/guests/authentication/compliance.ts'
import { jsonBytes, MAX_ATTRIBUTE_BYTES, reservedAttributes } from '../../../src/domain/guest-attributes.ts'
import { applicantParser, parsePersonKey, parseSessionOwner } from '../../../src/guests/requests/applicant-request.ts'
import { parseGuestId, parseGuestTokenRequest } from '../../../src/guests/requests/guest-token-request.ts'
import { engagements } from '../../../src/upstream/engagements/api.ts'
import { externalUsers } from '../../../src/upstream/external-users/api.ts'
import { event } from '../../../src/testing/store-contract/samples.ts'

const parsers = {
  engagements: applicantParser('engagements', engagements.fields),
  'external-users': applicantParser('external-users', externalUsers.fields),
}
const parseApplicantRequest = (api: keyof typeof parsers, input: unknown) => parsers[api](input)

const ENGAGEMENT = { api: 'engagements', email: 'ann@mail.example', consent: true, channelId: 'web-1' }
const USER = { api: 'external-users', email: 'ann@mail.example', name: 'Ann' }

function refusal(act: () => unknown): GuestpassError {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) return thrown
  }
  throw new Error('accepted')
}

const fieldsOf = (error: GuestpassError): string[] =>
  [...new Set((error.fields ?? []).map(({ field }) => field))].sort()
const faulty = (more: object): string[] =>
  fieldsOf(refusal(() => parseApplicantRequest('engagements', { ...ENGAGEMENT, ...more })))

describe('a request for an authenticated guest', () => {
  it('requires address, consent and channel, and has the assurance claimed by default', () => {
    expect(parseApplicantRequest('engagements', ENGAGEMENT)).toEqual({
      ...ENGAGEMENT,
      attributes: {},
      assurance: 'claimed',
      request: { email: ENGAGEMENT.email, consent: true, channelId: ENGAGEMENT.channelId },
    })
    expect(faulty({ email: undefined, consent: undefined, channelId: undefined })).toEqual([
      'channelId',
      'consent',
      'email',
    ])
  })

  const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
  const endless: Record<string, unknown> = {}
  endless['one'] = endless
  endless['other'] = [endless, endless]

  it.each<[string, unknown]>([
    ['65 levels', { a: nested(64) }],
    ['100 000 levels', { a: nested(100_000) }],
    ['themselves', endless],
    ['a text that is not well-formed', { a: ['\ud800'] }],
    ['a name that is not well-formed', { 'a\udfff': 1 }],
    ['a member that objects lose', JSON.parse('{"a":{"__proto__":1}}')],
    ['10 001 parts', { a: Array.from({ length: 10_001 }, () => 1) }],
  ])('rejects attributes with %s', (_, attributes) => {
    expect(faulty({ attributes })).toEqual(['attributes'])
  })

  it('may hold attributes 64 levels deep', () => {
    const attributes = { a: nested(63) as Json }
    expect(parseApplicantRequest('engagements', { ...ENGAGEMENT, attributes }).attributes).toEqual(attributes)
  })

  it('requires a well-formed address', () => {
    expect(faulty({ email: 'a\ud800@mail.example' })).toEqual(['email'])
  })

  it.each([' ann@mail.example', 'ANN@Mail.Example', '\tAnn@mail.example\n'])(
    'treats %j as the same address',
    (email) => {
      expect(parseApplicantRequest('engagements', { ...ENGAGEMENT, email }).email).toBe('ann@mail.example')
      expect(parseSessionOwner({ email, channelId: 'web-1' })).toEqual({
        api: 'engagements',
        email: 'ann@mail.example',
        channelId: 'web-1',
      })
    },
  )

  it.each([
    '',
    ' ',
    'ann',
    'ann@',
    '@mail.example',
    'ann mail@mail.example',
    'ann@mail@example',
    'ann@mail..example',
    'ann@.example',
    'ann@mail.example.',
    '<ann@mail.example>',
    'a@b,c@d',
    `${'a'.repeat(65)}@mail.example`,
    `ann@${'a'.repeat(251)}`,
    'ann\u0000@mail.example',
    'an\u200bn@mail.example',
    7,
    null,
    ['ann@mail.example'],
  ])('rejects the address %j without repeating it', (email) => {
    const error = refusal(() => parseApplicantRequest('engagements', { ...ENGAGEMENT, email }))
    expect(fieldsOf(error)).toEqual(['email'])
    if (typeof email === 'string' && email.length > 4) expect(JSON.stringify(error.toProblem())).not.toContain(email)
  })

  it.each(['true', 1, false, 'yes', null, undefined, {}])('rejects the consent %j', (consent) => {
    expect(faulty({ consent })).toEqual(['consent'])
  })

  it('says of a consent as text that it is no boolean', () => {
    const error = refusal(() => parseApplicantRequest('engagements', { ...ENGAGEMENT, consent: 'true' }))
    expect(error.fields).toMatchObject([{ field: 'consent', message: 'is the text true, not the boolean' }])
  })

  it.each(['', 'a'.repeat(101), 'web/1', 'web 1', '../x', 'web?1', 7])('rejects the channel %j', (channelId) => {
    expect(faulty({ channelId })).toEqual(['channelId'])
  })

  it('reports a field that is left out as missing', () => {
    const error = refusal(() => parseApplicantRequest('engagements', { api: 'engagements' }))
    expect(error.fields?.map(({ field, message }) => `${field} ${message}`)).toEqual([
      'email is missing',
      'consent is missing',
      'channelId is missing',
    ])
  })

  it('accepts names of 1 to 100 characters, whatever their length in bytes', () => {
    for (const name of ['A', '😀'.repeat(100)]) {
      expect(parseApplicantRequest('engagements', { ...ENGAGEMENT, name }).name).toBe(name)
    }
    for (const name of ['', '  ', 'a'.repeat(101), 'a\nb', '\ud800', 7]) expect(faulty({ name })).toEqual(['name'])
  })

  it.each([
    [{ name: 'a\nb' }, 'holds a control character, such as a tab or a line end'],
    [{ name: 'a\ud800' }, 'holds half of a character (a lone surrogate)'],
    [{ attributes: { plan: 'a\ud800' } }, 'holds half of a character (a lone surrogate)'],
  ])('names the characters of %j that are not allowed', (odd, message) => {
    const { fields } = refusal(() => parseApplicantRequest('engagements', { ...ENGAGEMENT, ...odd }))
    expect(fields).toMatchObject([{ field: Object.keys(odd)[0], message }])
  })

  it('accepts attributes up to 2048 bytes as JSON in UTF-8', () => {
    const room = MAX_ATTRIBUTE_BYTES - jsonBytes({ a: '' })
    const attributes = { a: 'é'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2) }
    expect(jsonBytes(attributes)).toBe(2_048)
    expect(parseApplicantRequest('engagements', { ...ENGAGEMENT, attributes }).attributes).toEqual(attributes)
    expect(faulty({ attributes: { a: `${attributes.a}x` } })).toEqual(['attributes'])
    expect(faulty({ attributes: ['a'] })).toEqual(['attributes'])
    expect(faulty({ attributes: { a: () => {} } })).toEqual(['attributes.a'])
  })

  it.each(reservedAttributes)('rejects the reserved attribute %s', (name) => {
    expect(faulty({ attributes: { [name]: 'x', plan: 'gold' } })).toEqual([`attributes.${name}`])
  })

  it('may ask for a session only with a verified address', () => {
    for (const onDuplicate of ['reuse', 'replace']) {
      expect(faulty({ onDuplicate })).toEqual(['onDuplicate'])
      expect(faulty({ onDuplicate, assurance: 'claimed' })).toEqual(['onDuplicate'])
      const asked = { ...ENGAGEMENT, onDuplicate, assurance: 'verified' }
      expect(parseApplicantRequest('engagements', asked)).toMatchObject({ onDuplicate, assurance: 'verified' })
    }
    expect(parseApplicantRequest('engagements', { ...ENGAGEMENT, onDuplicate: 'reject' }).onDuplicate).toBe('reject')
  })

  it('is rejected with every fault, its path and remedy, and without values', () => {
    const error = refusal(() =>
      parseApplicantRequest('engagements', {
        api: 'engagements',
        email: 'Not An Address',
        consent: 'true',
        name: '',
        attributes: { tier: 'gold' },
        assurance: 'sure',
        onDuplicate: 'reuse',
        scopes: [],
      }),
    )
    expect(fieldsOf(error)).toEqual([
      'assurance',
      'attributes.tier',
      'channelId',
      'consent',
      'email',
      'name',
      'onDuplicate',
      'scopes',
    ])
    for (const { remedy } of error.fields ?? []) expect(remedy).not.toBe('')
    expect(JSON.stringify(error.toProblem())).not.toMatch(/Not An Address|gold/)
  })

  it('is accepted whole or rejected as invalid_input for any input', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (email, attributes, input) => {
        for (const asked of [{ ...ENGAGEMENT, email, attributes }, input]) {
          try {
            const person = parseApplicantRequest('engagements', asked)
            expect(person.consent).toBe(true)
            expect(jsonBytes(person.attributes)).toBeLessThanOrEqual(MAX_ATTRIBUTE_BYTES)
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(GuestpassError)
            expect((thrown as GuestpassError).fields?.length).toBeGreaterThan(0)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a request for an external user', () => {
  it('requires address and name, and attributes that are texts', () => {
    expect(parseApplicantRequest('external-users', { ...USER, attributes: { plan: 'gold' } })).toMatchObject({
      name: 'Ann',
      attributes: { plan: 'gold' },
      consent: false,
    })
    const error = refusal(() =>
      parseApplicantRequest('external-users', {
        api: 'external-users',
        email: 'x',
        attributes: { plan: 7 },
        consent: true,
      }),
    )
    expect(fieldsOf(error)).toEqual(['attributes.plan', 'consent', 'email', 'name'])
  })
})

describe('the compliance flags', () => {
  const profile = { email: 'ann@mail.example', name: 'Ann', attributes: { plan: 'gold' } }
  const begun = event('1', { type: 'GUEST_CREATE_INITIATED' })
  const flags = (more: Partial<Parameters<typeof complianceFlags>[0]> = {}) =>
    complianceFlags({
      consentTimestamp: '2026-01-01T00:00:00.000Z',
      profile,
      shown: { api: 'x' },
      trail: [begun],
      ...more,
    })

  it('follow from what happened', () => {
    const all = { gdprConsentRecorded: true, dataMinimizationApplied: true, auditTrailGenerated: true }
    expect(flags()).toEqual(all)
    expect(flags({ consentTimestamp: undefined })).toEqual({ ...all, gdprConsentRecorded: false })
    expect(flags({ trail: [] })).toEqual({ ...all, auditTrailGenerated: false })
  })

  it('show an address or name in a place that does not need it', () => {
    for (const shown of [{ a: ['Ann'] }, { a: 'from ANN, again' }, { a: { b: 'to ANN@mail.example' } }]) {
      expect(flags({ shown }).dataMinimizationApplied).toBe(false)
    }
    const attributes = { note: 'ann@mail.example' }
    expect(flags({ profile: { ...profile, attributes } }).dataMinimizationApplied).toBe(false)
    expect(flags({ shown: { a: 'Anna, Joann', b: 7, c: null, d: true } }).dataMinimizationApplied).toBe(true)
  })
})

describe('the attributes sent upstream', () => {
  const crm = { customerId: 'c-1', tier: 'gold', lastInteraction: '2025-12-24' }
  const consentTimestamp = '2026-01-01T00:00:00.000Z'

  it('contain those of the request, the consent and the CRM', () => {
    expect(mergedAttributes({ attributes: { plan: 'x' }, crm, consentTimestamp })).toEqual({
      attributes: { plan: 'x', ...crm, consentTimestamp, authMethod: 'guest-api', sessionVersion: '1.0' },
      dropped: [],
    })
  })

  it('stay within 2048 bytes by leaving out and naming what the CRM and consent add', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_038 }), fc.string({ maxLength: 256, minLength: 1 }), (size, tier) => {
        const attributes = { a: 'x'.repeat(size) }
        const merged = mergedAttributes({ attributes, crm: { ...crm, tier }, consentTimestamp })
        expect(jsonBytes(merged.attributes)).toBeLessThanOrEqual(MAX_ATTRIBUTE_BYTES)
        expect(merged.attributes).toMatchObject(attributes)
        const added = Object.keys(merged.attributes).filter((name) => name !== 'a')
        expect([...added, ...merged.dropped].sort()).toEqual([...reservedAttributes].sort())
      }),
    )
    const tight = mergedAttributes({ attributes: { a: 'x'.repeat(1_900) }, crm, consentTimestamp })
    expect(tight.dropped).toEqual(['lastInteraction'])
  })
})

describe('a request with a wrong name or form', () => {
  it.each<[string, () => unknown, string]>([
    ['scope', () => parseGuestTokenRequest({ scope: ['a'] }, () => ''), 'Did you mean scopes'],
    ['channel', () => parseSessionOwner({ email: 'a@b.example', channel: 'web' }), 'Did you mean channelId'],
    ['emial', () => parsePersonKey({ emial: 'a@b.example' }), 'Did you mean email'],
    ['onDuplicat', () => parsers.engagements({ ...ENGAGEMENT, onDuplicat: 'reuse' }), 'Did you mean onDuplicate'],
  ])('is answered with the field that %s was meant for', (field, act, meant) => {
    const error = refusal(act)
    expect(error.fields).toContainEqual({ field, message: 'not a field of this request', remedy: `${meant}?` })
    expect(error.message).toContain(`${field}: not a field of this request (${meant}?)`)
  })

  it.each([
    ['a@b.example', 'is a text, not an object'],
    [null, 'is null, not an object'],
    [['a@b.example'], 'is a list, not an object'],
    [undefined, 'is missing'],
  ])('is answered with the form of the argument in place of %j', (input, message) => {
    const error = refusal(() => parsePersonKey(input))
    expect(error.message).toBe(`The request is not valid: request: ${message} (Give the address as { email }).`)
  })

  it('names no API that has no sessions, where one is wrong', () => {
    const error = refusal(() => parseSessionOwner({ api: 'guest-tokens', email: 'a@b.example' }))
    expect(error.fields).toMatchObject([{ message: 'none of engagements, external-users' }])
  })

  it.each([undefined, null, ''])('has no id of a guest: %j', (id) => {
    expect(refusal(() => parseGuestId(id)).fields).toMatchObject([{ field: 'guestId', message: 'is missing' }])
  })
})
