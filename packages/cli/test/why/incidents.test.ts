import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStore, Secret } from '@guestpass/core'
import {
  type Cause,
  type Happened,
  prepareRestoredConnection,
  retention,
  type WhyQuestion,
} from '@guestpass/core/runtime-kit'
import { failed, HOUR, type Incident, incidentSite, killableStore, MINUTE, SECOND } from './incident-world.ts'

let site: Awaited<ReturnType<typeof incidentSite>>
beforeAll(async () => {
  site = await incidentSite()
})
afterAll(() => site.close())

const SCOPE = 'webmessaging:guest:send'

/** Issues an ephemeral guest whose token lives an hour. */
async function issued(incident: Incident, duration: string | number = HOUR / SECOND) {
  const guests = await incident.guests()
  const guest = await guests.issue({ scopes: [SCOPE], duration: duration as number })
  return { guests, guest, guestId: guest.guestId }
}

/** What is scripted, and what `why` must answer. */
interface Script {
  /** Gives the id of the guest, or the question. */
  readonly run: (incident: Incident) => Promise<string | WhyQuestion>
  readonly cause: Cause
  readonly happened: Happened
  /** What the first sentences say. */
  readonly says?: RegExp
}

/** The question about the guest of the latest failed request, which is known by the subject of its records only. */
async function askLatestSubject({ store }: Incident): Promise<WhyQuestion> {
  const { links } = await store.chain('default', { before: Number.MAX_SAFE_INTEGER, limit: 1 })
  return { subject: links[0]?.event.subject }
}

/** A refresh that fails by a scripted answer. */
const refreshMeets =
  (on: string, effect: Parameters<Incident['script']>[1], times = 1) =>
  async (incident: Incident) => {
    const { guests, guestId } = await issued(incident)
    incident.script(on, effect, times)
    await failed(guests.refresh(guestId))
    return guestId
  }

/** A refresh by another process, with other options. */
const refreshWith = (more: Parameters<Incident['guests']>[0]) => async (incident: Incident) => {
  const { guestId } = await issued(incident)
  await failed((await incident.guests(more)).refresh(guestId))
  return guestId
}

/** A token from outside that is refused. */
const refuses = (given: (incident: Incident, of: Awaited<ReturnType<typeof issued>>) => Promise<string>) =>
  async function (incident: Incident) {
    const of = await issued(incident)
    await failed(of.guests.refresh(of.guestId, { token: await given(incident, of) }))
    return of.guestId
  }

const ephemeral: Readonly<Record<string, Script>> = {
  'a new guest': {
    run: async (incident) => (await issued(incident)).guestId,
    cause: 'first_token',
    happened: 'issued',
  },
  'a caller that refreshes early': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await guests.refresh(guestId)
      return guestId
    },
    cause: 'asked',
    happened: 'renewed',
  },
  'a caller that issues a known guest again': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await guests.issue({ guestId, scopes: [SCOPE] })
      return guestId
    },
    cause: 'asked',
    happened: 'renewed',
  },
  'a keeper that renews in time': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await incident.clock.advance(HOUR - 2 * MINUTE)
      await guests.keepRenewed(guestId, { actor: 'keeper' })
      return guestId
    },
    cause: 'due',
    happened: 'renewed',
  },
  'a token that ended a minute ago': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await incident.clock.advance(HOUR + MINUTE)
      await guests.token(guestId)
      return guestId
    },
    cause: 'expired',
    happened: 'renewed',
  },
  'a token that ended an hour ago': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await incident.clock.advance(2 * HOUR)
      await guests.token(guestId)
      return guestId
    },
    cause: 'expired',
    happened: 'renewed',
  },
  'a signing key that is gone': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await incident.upstream.rollKeys({ drop: true })
      // The token of another guest shows that the keys have changed.
      await guests.issue({ scopes: [SCOPE] })
      await guests.token(guestId)
      return guestId
    },
    cause: 'key_gone',
    happened: 'renewed',
  },
  'an upstream that does not refresh the token': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      incident.script('refresh', { status: 404 })
      await guests.refresh(guestId)
      return guestId
    },
    cause: 'minted_after_refusal',
    happened: 'renewed',
  },
  'a lost answer that is found a day later': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      incident.script('refresh', { drop: 'after' })
      await failed(guests.refresh(guestId))
      await incident.clock.advance(25 * HOUR)
      await guests.token(guestId)
      return guestId
    },
    cause: 'key_too_old',
    happened: 'renewed',
  },
  'an upstream that answers 429': {
    run: refreshMeets('refresh', { status: 429, headers: { 'retry-after': '60' } }),
    cause: 'rate_limited',
    happened: 'failed',
  },
  'an upstream that answers 503': {
    run: refreshMeets('refresh', { status: 503 }),
    cause: 'upstream_failing',
    happened: 'failed',
  },
  'an upstream that closes the connection': {
    run: refreshMeets('refresh', { drop: 'before' }),
    cause: 'upstream_failing',
    happened: 'failed',
  },
  'an upstream that fails when the token has ended': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await incident.clock.advance(HOUR + MINUTE)
      incident.script('refresh', { status: 500 })
      await failed(guests.token(guestId))
      return guestId
    },
    cause: 'upstream_failing',
    happened: 'refused',
  },
  'an open circuit breaker': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      incident.script('mint', { status: 500 }, 20)
      for (let nth = 0; nth < 12; nth += 1) {
        await incident.clock.advance(SECOND)
        await failed(guests.issue({ guestId, scopes: [SCOPE] }))
      }
      return guestId
    },
    cause: 'circuit_open',
    happened: 'refused',
    says: /The latest failures before it: (\S+Z HTTP 500(, )?){3}\.$/,
  },
  'a first token that fails': {
    async run(incident) {
      incident.script('mint', { status: 503 })
      await failed(issued(incident))
      return askLatestSubject(incident)
    },
    cause: 'upstream_failing',
    happened: 'refused',
  },
  'a failed refresh that another call finishes': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      incident.script('refresh', { status: 503 })
      await failed(guests.refresh(guestId))
      await incident.clock.advance(HOUR + MINUTE)
      await guests.token(guestId)
      return guestId
    },
    cause: 'continued',
    happened: 'renewed',
  },
  'a guest that retention removed': {
    async run(incident) {
      const { guestId } = await issued(incident)
      const { clock, store, ports } = incident
      await clock.advance(31 * 24 * HOUR)
      expect(
        (await retention('default', { ...ports, store, clock }, { endedGuestsMs: 30 * 24 * HOUR }).pass()).guests,
      ).toBe(1)
      return guestId
    },
    cause: 'keeper_not_running',
    happened: 'ended',
    says: /Retention removed the guest at/,
  },
  'a wrong client secret': {
    run: refreshWith({
      client: { id: 'unknown', secret: new Secret('test-secret-wrong') },
      clientAuth: 'body',
      name: 'default',
    }),
    cause: 'client_rejected',
    happened: 'failed',
  },
  'an access token that the API refuses': {
    run: refreshMeets('refresh', { status: 401 }, 2),
    cause: 'access_rejected',
    happened: 'failed',
  },
  'a client without permission': {
    run: refreshMeets('refresh', { status: 403 }),
    cause: 'access_denied',
    happened: 'failed',
  },
  'a connection without the scope': {
    run: refreshWith({ scopes: ['externalusers:write'] }),
    cause: 'scope_missing',
    happened: 'failed',
  },
  'tokens of another audience': {
    run: refreshWith({ audience: 'another' }),
    cause: 'token_refused',
    happened: 'failed',
  },
  'a key-set that cannot be fetched': {
    async run(incident) {
      const { guestId } = await issued(incident)
      await incident.clock.advance(49 * HOUR)
      const guests = await incident.guests()
      incident.script('jwks', { status: 503 }, 50)
      await failed(guests.issue({ guestId, scopes: [SCOPE] }))
      return guestId
    },
    cause: 'keys_unavailable',
    happened: 'refused',
  },
  'an answer that is a page': {
    run: refreshMeets('refresh', { garble: 'html' }),
    cause: 'upstream_garbled',
    happened: 'failed',
  },
  'a refusal of the request': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      incident.script('mint', { status: 400 })
      await failed(guests.issue({ guestId, scopes: [SCOPE] }))
      return guestId
    },
    cause: 'upstream_rejected',
    happened: 'refused',
  },
  'a caller that gives up': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      const stop = new AbortController()
      incident.script('mint', { delayMs: 60_000 })
      const waiting = failed(guests.issue({ guestId, scopes: [SCOPE] }, { signal: stop.signal }))
      await expect.poll(() => incident.upstream.journal().at(-1)?.operation).toBe('mint')
      stop.abort()
      await waiting
      await expect.poll(async () => (await incident.ask(guestId)).cause).not.toBe('under_way')
      return guestId
    },
    cause: 'cancelled',
    happened: 'refused',
  },
  'an upstream that takes too long': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      incident.script('refresh', { delayMs: 60_000 })
      const waiting = failed(guests.refresh(guestId))
      await expect.poll(() => incident.upstream.journal().at(-1)?.operation).toBe('refresh')
      await incident.clock.advance(30 * SECOND)
      await waiting
      return guestId
    },
    cause: 'upstream_failing',
    happened: 'failed',
  },
  'a given token that ended long ago': {
    run: refuses(async ({ clock }, { guests, guest, guestId }) => {
      await guests.refresh(guestId)
      await clock.advance(HOUR + 10 * MINUTE)
      return guest.token.reveal()
    }),
    cause: 'import_expired',
    happened: 'refused',
  },
  'a given token that was replaced': {
    run: refuses(async (_, { guests, guest, guestId }) => {
      await guests.refresh(guestId)
      return guest.token.reveal()
    }),
    cause: 'import_superseded',
    happened: 'failed',
  },
  'a given token of another guest': {
    run: refuses(async (incident) => (await issued(incident)).guest.token.reveal()),
    cause: 'import_subject',
    happened: 'failed',
  },
  'a given token that was changed': {
    run: refuses(async (_, { guest }) => `${guest.token.reveal().slice(0, -8)}AAAAAAAA`),
    cause: 'import_invalid',
    happened: 'failed',
  },
  'a revocation': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await guests.revoke(guestId)
      return guestId
    },
    cause: 'revoked',
    happened: 'ended',
  },
  'an erasure': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await guests.erase(guestId)
      return guestId
    },
    cause: 'erased',
    happened: 'ended',
  },
  'a guest that no caller asks for': {
    async run(incident) {
      const { guests, guestId } = await issued(incident, 'max')
      await incident.clock.advance(24 * HOUR - 2 * MINUTE)
      await guests.keepRenewed(guestId, { actor: 'keeper' })
      await incident.clock.advance(25 * HOUR)
      return guestId
    },
    cause: 'unused',
    happened: 'ended',
  },
  'a token that no keeper renews': {
    async run(incident) {
      const { guestId } = await issued(incident)
      await incident.clock.advance(2 * HOUR)
      return guestId
    },
    cause: 'keeper_not_running',
    happened: 'ended',
  },
  'a sign-in of the connection that has ended': {
    run: refreshWith({ refreshToken: new Secret('test-secret-unknown') }),
    cause: 'sign_in_ended',
    happened: 'failed',
  },
  'a request that is under way': {
    async run(incident) {
      const { guestId } = await issued(incident)
      const guests = await incident.guests({}, { http: () => new Promise(() => {}) })
      void guests.refresh(guestId).catch(() => {})
      await expect.poll(async () => (await incident.ask(guestId)).happened).toBe('pending')
      return guestId
    },
    cause: 'under_way',
    happened: 'pending',
  },
  'a time before the guest was known': {
    async run(incident) {
      const { guestId } = await issued(incident)
      return { guestId, at: incident.clock.wall() - HOUR }
    },
    cause: 'not_yet',
    happened: 'unknown',
  },
  'a time before a revocation': {
    async run(incident) {
      const { guests, guestId } = await issued(incident)
      await incident.clock.advance(MINUTE)
      await guests.revoke(guestId)
      return { guestId, at: incident.clock.wall() - SECOND }
    },
    cause: 'first_token',
    happened: 'issued',
  },
}

/** Authenticates a person. */
async function authenticated(incident: Incident) {
  const guests = await incident.guests()
  const guest = await guests.issue(incident.person)
  return { guests, guest, guestId: guest.guestId }
}

/** Authenticates a person, and prepares the store as `guestpass restore` prepares a backup. */
async function restored(incident: Incident) {
  const { store, clock, ports } = incident
  const of = await authenticated(incident)
  await clock.advance(MINUTE)
  await prepareRestoredConnection('default', [], { store, clock, random: ports.random })
  return of
}

/** The token of a restored guest ends, and a caller asks for it. */
async function askedAfterRestore(incident: Incident, refresh: 'succeeds' | 'fails') {
  const { guests, guest, guestId } = await restored(incident)
  await incident.clock.advance(guest.expiresAt - incident.clock.wall() + MINUTE)
  if (refresh === 'fails') incident.script('refresh', { status: 409 })
  await guests.token(guestId).catch((thrown: Error) => expect(refresh, thrown.message).toBe('fails'))
  return guestId
}

const persons: Readonly<Record<string, Script>> = {
  'an authentication': {
    run: async (incident) => (await authenticated(incident)).guestId,
    cause: 'authenticated',
    happened: 'issued',
  },
  'a second request that reuses the session': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      await guests.issue({ ...incident.person, onDuplicate: 'reuse' as const })
      return guestId
    },
    cause: 'reused',
    happened: 'issued',
  },
  'a second request that is refused': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      await failed(guests.issue(incident.person))
      return guestId
    },
    cause: 'session_exists',
    happened: 'refused',
  },
  'a request for an address with a session that another store made': {
    async run(incident) {
      const another = await incident.guests({}, { store: memoryStore({ clock: incident.clock }) })
      await another.issue(incident.person)
      await failed(authenticated(incident))
      return askLatestSubject(incident)
    },
    cause: 'session_exists_upstream',
    happened: 'refused',
  },
  'a lost answer to an authentication': {
    async run(incident) {
      incident.script('create', { drop: 'after' })
      await failed(authenticated(incident))
      return askLatestSubject(incident)
    },
    cause: 'create_in_doubt',
    happened: 'refused',
  },
  'a session whose tokens were lost': {
    async run(incident) {
      incident.script('create', { drop: 'after' })
      await failed(authenticated(incident))
      await failed(authenticated(incident))
      return askLatestSubject(incident)
    },
    cause: 'guest_orphaned',
    happened: 'refused',
  },
  'a restored store': {
    run: async (incident) => (await restored(incident)).guestId,
    cause: 'restored',
    happened: 'in_doubt',
    says: /The store was restored at/,
  },
  'a refresh after a restore that succeeds': {
    run: (incident) => askedAfterRestore(incident, 'succeeds'),
    cause: 'last_resort_after_restore',
    happened: 'renewed',
    says: /The store was restored at/,
  },
  'a refresh after a restore that is refused': {
    run: (incident) => askedAfterRestore(incident, 'fails'),
    cause: 'spent_after_restore',
    happened: 'asked_again',
    says: /The store was restored at/,
  },
  'a second request that replaces the session': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      incident.upstream.endGuest(guestId)
      await guests.issue({ ...incident.person, onDuplicate: 'replace' as const })
      return guestId
    },
    cause: 'replaced',
    happened: 'ended',
  },
  'an invalidation of the address': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      const { email, channelId, api } = incident.person
      await guests.invalidate({ api, email, channelId })
      return guestId
    },
    cause: 'invalidated',
    happened: 'ended',
  },
  'a refresh token that another program used': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      incident.script('refresh', { status: 409 })
      await failed(guests.refresh(guestId))
      return guestId
    },
    cause: 'refresh_token_spent',
    happened: 'asked_again',
  },
  'a session that ended upstream': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      incident.upstream.endGuest(guestId)
      await failed(guests.refresh(guestId))
      return guestId
    },
    cause: 'refresh_token_spent',
    happened: 'asked_again',
  },
  'a lost answer to a refresh': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      incident.script('refresh', { drop: 'after' })
      await failed(guests.refresh(guestId))
      return guestId
    },
    cause: 'answer_lost',
    happened: 'failed',
  },
  'a last resort that succeeds': {
    async run(incident) {
      const { guests, guest, guestId } = await authenticated(incident)
      incident.script('refresh', { drop: 'before' })
      await failed(guests.refresh(guestId))
      await incident.clock.advance(guest.expiresAt - incident.clock.wall() + MINUTE)
      await guests.token(guestId)
      return guestId
    },
    cause: 'last_resort',
    happened: 'renewed',
  },
  'a process that ends during a refresh': {
    async run(incident) {
      const { guestId } = await authenticated(incident)
      const { store, kill } = killableStore(incident.store)
      const killed = await incident.guests(
        {},
        {
          store,
          http(request, signal) {
            if (!request.url.includes('/refresh')) return incident.ports.http(request, signal)
            request.onSend?.()
            return new Promise(() => {})
          },
        },
      )
      void killed.refresh(guestId).catch(() => {})
      await expect.poll(async () => (await incident.ask(guestId)).happened).toBe('pending')
      kill()
      await incident.clock.advance(5 * MINUTE)
      await failed((await incident.guests()).refresh(guestId))
      return guestId
    },
    cause: 'process_ended',
    happened: 'failed',
  },
  'an attribute update that fails': {
    async run(incident) {
      const { guests, guestId } = await authenticated(incident)
      incident.script('update', { status: 500 }, 9)
      await guests
        .issue({ ...incident.person, attributes: { plan: 'test' }, onDuplicate: 'reuse' as const })
        .catch(() => {})
      await incident.clock.advance(SECOND)
      await guests.enrichment.drain(new AbortController().signal).catch(() => {})
      return guestId
    },
    cause: 'attributes_failed',
    happened: 'failed',
  },
  'an external user whose token ended': {
    async run(incident) {
      const { upstream } = incident
      const { guests, signIn } = await incident.connect({
        client: { id: upstream.publicClientId },
        scopes: ['webmessaging:guest:create', 'externalusers:write'],
      })
      upstream.consent({ auto: true })
      const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback' })
      const { headers } = await fetch(url, { redirect: 'manual' })
      await signIn.complete(new URL(headers.get('location') ?? '').searchParams)
      const { guestId, expiresAt } = await guests.issue({
        api: 'external-users',
        email: 'test-b@example.com',
        name: 'B',
      })
      await incident.clock.advance(expiresAt - incident.clock.wall() + MINUTE)
      return guestId
    },
    cause: 'not_renewable',
    happened: 'asked_again',
  },
}

describe.each([
  ['an ephemeral guest', ephemeral],
  ['an authenticated guest', persons],
])('the explanation of %s', (_, scripts) => {
  it.each(Object.entries(scripts))('names the cause of %s', async (_name, { run, cause, happened, says }) => {
    const incident = site.start()
    const result = await run(incident)
    const question: WhyQuestion = typeof result === 'string' ? { guestId: result } : result
    const answer = await incident.why(question)
    expect(answer).toMatchObject({ cause, happened })
    expect(answer.guestId).toBe(question.guestId)
    if (says) expect(answer.what).toMatch(says)
    const { why: reason, rule, prevention, what, records } = answer
    for (const sentence of [reason, rule, prevention, what]) expect(sentence).toMatch(/^[A-Z].*\.\)?$/s)
    expect(records.length > 0).toBe(!['erased', 'not_yet'].includes(cause))
    expect(JSON.stringify(answer)).not.toMatch(/@example|test-secret/)
  })
})
