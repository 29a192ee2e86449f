import { createPublicKey } from 'node:crypto'
import { DAY, type Instant, type Millis, MINUTE, SECOND } from '../../src/domain/time.ts'
import { type Http, type HttpAnswer, type HttpRequest } from '../../src/ports/http.ts'
import type { FakeClock } from '../../src/testing/index.ts'
import { granted, json, jwt, publicKey, strangerKey } from './fake-upstream.ts'
import { type ScriptedAnswer, unlessAborted } from './scripted-answers.ts'

/** A guest as upstream has it. */
interface Guest {
  readonly durationSeconds: number
  readonly scopes: unknown
  readonly expiresAt: Instant
  /** Refreshes that took effect. */
  readonly refreshes: number
}

/** A refresh that came in. */
interface Asked {
  readonly id: string
  readonly key: string
  readonly at: Instant
  readonly body: string
}

/**
 * An upstream in memory with the refresh endpoint as it is documented: the same key gives the same answer for 24 hours,
 * another request under a known key 422, a running one 409, an unknown id or one that ended more than 300 s ago 400.
 */
export interface RefreshingUpstream {
  readonly http: Http
  readonly refreshes: readonly Asked[]
  /** Requests for a new guest token. */
  readonly mints: () => number
  /** Requests for an access token. */
  readonly tokens: () => number
  /** Refreshes of a guest that took effect. */
  effects(id: string): number
  /** Answers the next refreshes, one each. */
  meets(...next: readonly ScriptedAnswer[]): void
  /** Removes the scripted answers. */
  forgives(): void
  /** A guest token that this upstream signs without keeping anything of it. */
  sign(claims: Record<string, unknown>): string
  /** A guest token by itself, as a program outside may hold one. Upstream knows the guest afterwards. */
  mint(id: string, more?: Record<string, unknown>): string
  /** Its clock is this far ahead. */
  skewMs: Millis
  /** Claims that refreshed tokens have as well, or instead. */
  says: Record<string, unknown>
  /** The id that answers to refreshes name; the guest's own by default. */
  names: (id: string) => string | undefined
  /** Signs with another key from now on; the former one is gone. */
  roll(): void
  /** Answers for the key-set instead. */
  keySet: (() => HttpAnswer) | undefined
  /** Answers for new guest tokens instead. */
  minting: (() => HttpAnswer) | undefined
}

const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']
const GRACE: Millis = 5 * MINUTE
const strangerPem = createPublicKey(strangerKey).export({ type: 'spki', format: 'pem' }).toString()

export function refreshingUpstream(clock: FakeClock): RefreshingUpstream {
  const guests = new Map<string, Guest>()
  const answers = new Map<
    string,
    { readonly id: string; readonly body: string; readonly at: Instant; answer?: HttpAnswer }
  >()
  const asked: Asked[] = []
  const script: ScriptedAnswer[] = []
  let mints = 0
  let tokens = 0
  let signed = 0
  let rolled = false

  const now = (): Instant => clock.wall() + upstream.skewMs
  const dated = (answer: HttpAnswer): HttpAnswer => ({
    ...answer,
    headers: { date: new Date(now()).toUTCString(), ...answer.headers },
  })
  const sign = (claims: Record<string, unknown>): string => (rolled ? jwt(claims, strangerKey) : jwt(claims))

  function tokenOf(id: string, guest: Omit<Guest, 'expiresAt'>, more: Record<string, unknown> = {}): string {
    const iat = Math.floor(now() / SECOND)
    const exp = iat + guest.durationSeconds
    guests.set(id, { ...guest, expiresAt: exp * SECOND })
    return sign({ sub: id, scope: guest.scopes, iat, nbf: iat, exp, jti: `token-${(signed += 1)}`, ...more })
  }

  function minted({ body = '{}' }: HttpRequest): HttpAnswer {
    mints += 1
    if (upstream.minting) return upstream.minting()
    const { guestId, expirationDurationSeconds, scopes } = JSON.parse(body) as Record<string, unknown>
    const { refreshes = 0 } = guests.get(String(guestId)) ?? {}
    const guest = { durationSeconds: Number(expirationDurationSeconds), scopes, refreshes }
    return json(200, { token: tokenOf(String(guestId), guest) })
  }

  function refreshed(id: string, key: string, body: string): HttpAnswer {
    const known = answers.get(key)
    if (known && now() < known.at + DAY) {
      if (known.id !== id || known.body !== body) return json(422, { code: 'unprocessable.entity' })
      return known.answer ?? json(409, { code: 'request.conflict' })
    }
    const guest = guests.get(id)
    if (!guest) return json(400, { code: 'invalid.value', message: 'No guest token has this id.' })
    if (now() > guest.expiresAt + GRACE) return json(400, { code: 'credentials.expired' })
    const guestToken = tokenOf(id, { ...guest, refreshes: guest.refreshes + 1 }, upstream.says)
    const answer = json(200, { guestTokenId: upstream.names(id), guestToken })
    answers.set(key, { id, body, at: now(), answer })
    return answer
  }

  async function refresh(request: HttpRequest, id: string, signal: AbortSignal): Promise<HttpAnswer> {
    const { headers, body = '' } = request
    const key = headers['idempotency-key'] ?? ''
    asked.push({ id, key, at: clock.wall(), body })
    const work = (): HttpAnswer => refreshed(id, key, body)
    const answer = script.shift()
    return answer ? answer(work, request, signal) : work()
  }

  function keySet(): HttpAnswer {
    if (upstream.keySet) return upstream.keySet()
    const key = createPublicKey(rolled ? strangerPem : publicKey).export({ format: 'jwk' })
    return json(200, { keys: [{ ...key, use: 'sig', alg: 'RS256' }] })
  }

  async function answered(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { pathname } = new URL(request.url)
    if (pathname.endsWith('/jwks.json')) return keySet()
    if (pathname.endsWith('/oauth/token')) return granted((tokens += 1))
    if (pathname.endsWith('/generate-token')) return minted(request)
    const id = /^\/api\/v2\/conversations\/webmessaging\/guesttokens\/([^/]+)\/refresh$/.exec(pathname)?.[1]
    return id === undefined ? json(404, {}) : refresh(request, decodeURIComponent(id), signal)
  }

  const upstream: RefreshingUpstream = {
    refreshes: asked,
    mints: () => mints,
    tokens: () => tokens,
    effects: (id) => guests.get(id)?.refreshes ?? 0,
    meets: (...next) => void script.push(...next),
    forgives: () => void script.splice(0),
    sign,
    mint: (id, more = {}) => tokenOf(id, { durationSeconds: 3_600, scopes: SCOPES, refreshes: 0 }, more),
    skewMs: 0,
    says: {},
    names: (id) => id,
    roll() {
      rolled = true
    },
    keySet: undefined,
    minting: undefined,
    async http(request, signal) {
      signal.throwIfAborted()
      request.onSend?.()
      return dated(await unlessAborted(signal, answered(request, signal)))
    },
  }
  return upstream
}

const text = (body: string, type = 'application/json'): HttpAnswer => ({
  status: 200,
  headers: { 'content-type': type },
  bytes: new TextEncoder().encode(body),
})

/** It takes effect, but the answer cannot be read. */
export const garbled =
  (how: 'html' | 'truncated' | 'empty' | 'type'): ScriptedAnswer =>
  async (work) => {
    const body = new TextDecoder().decode(work().bytes)
    if (how === 'html') return text('<!doctype html><title>Gateway</title>', 'text/html')
    if (how === 'truncated') return text(body.slice(0, body.length / 2))
    return how === 'empty' ? text('') : text(body, 'text/plain')
  }

/** It takes effect and is answered after `release()`. */
export function gated(): { readonly answer: ScriptedAnswer; readonly release: () => void } {
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  return { answer: async (work) => gate.then(work), release: () => release() }
}
