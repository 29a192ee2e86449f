/** What runs in the browser: the library as a page has it. The test outside calls these one after the other. */
import { type Connection, connection, memoryStore, resolveHosts, webPorts } from '../../src/index.ts'
import { eventsOf, HttpFault, type HttpAnswer, type HttpRequest } from '../../src/runtime-kit.ts'
import { webHttp } from '../../src/web/index.ts'
import { fakeClock, storeContract } from '../../src/testing/index.ts'
import { givenKeys } from '../../src/verify/given-keys.ts'
import type { Jwk } from '../../src/verify/keys.ts'
import type { Expectations } from '../../src/verify/verdict.ts'
import { verifier } from '../../src/verify/verifier.ts'
import { webPlatform } from '../../src/verify/web-crypto.ts'

const plain = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )

/** Every sentence of the contract of stores, and what is wrong with it; empty where nothing is. */
async function contract(): Promise<readonly (readonly [sentence: string, fault: string])[]> {
  const sentences: { readonly title: string; readonly body: () => Promise<void> }[] = []
  storeContract(
    async (route) => {
      const clock = fakeClock()
      return { store: memoryStore({ clock, route }), advance: (ms) => clock.stepWall(ms) }
    },
    {
      describe: (_title, body) => body(),
      it: (title, body) => sentences.push({ title, body }),
      expect: (actual) => ({
        toEqual(expected) {
          if (plain(actual) !== plain(expected)) throw new Error(`${plain(actual)} is not ${plain(expected)}`)
        },
      }),
    },
  )
  const results: [string, string][] = []
  for (const { title, body } of sentences)
    results.push([
      title,
      await body().then(
        () => '',
        (thrown: unknown) => String(thrown),
      ),
    ])
  return results
}

const platform = webPlatform()

/** What is asked of a verifier. As JSON, so that nothing between here and there reads it in its own way. */
export interface Doubt {
  readonly keys: readonly Jwk[]
  readonly token: string
  readonly expectations?: Expectations | undefined
}

async function verdict(doubt: string): Promise<string> {
  const { keys, token, expectations } = JSON.parse(doubt) as Doubt
  const clock = fakeClock()
  const source = givenKeys({ jwks: { keys } }, platform.maker)
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
  const { verify } = verifier({ keys: source, platform, now: () => clock.wall(), algorithms })
  return JSON.stringify(await verify(token, expectations))
}

const leaving = new Map<string, AbortController>()

type SendOutcome =
  | { readonly is: 'answer'; readonly status: number; readonly headers: HttpAnswer['headers']; readonly text: string }
  | { readonly is: 'fault'; readonly kind: HttpFault['kind']; readonly message: string }
  | { readonly is: 'aborted' }

/** A request of the page; its result has the bytes as text, a character for each. */
async function send(id: string, request: Omit<HttpRequest, 'secrets'>, isLate: boolean): Promise<SendOutcome> {
  const stop = new AbortController()
  leaving.set(id, stop)
  if (isLate) stop.abort()
  try {
    const { status, headers, bytes } = await webHttp()({ ...request, secrets: [] }, stop.signal)
    const text = Array.from(bytes, (byte) => String.fromCodePoint(byte)).join('')
    return { is: 'answer', status, headers, text }
  } catch (thrown) {
    if (thrown instanceof HttpFault) return { is: 'fault', kind: thrown.kind, message: thrown.message }
    if (stop.signal.aborted) return { is: 'aborted' }
    throw thrown
  } finally {
    leaving.delete(id)
  }
}

const store = memoryStore()
let here: Connection

const page = {
  contract,
  verdict,
  send,
  leave: (id: string) => leaving.get(id)?.abort(),
  usable: async (jwk: string) => (await platform.maker.fromJwk(JSON.parse(jwk) as Jwk)).length,
  async open(url: string, clientId: string, scopes: readonly string[]): Promise<void> {
    here = await connection(
      { hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }), client: { id: clientId }, scopes },
      { ...webPorts(), store },
    )
  },
  begin: async (redirectUri: string): Promise<string> => (await here.signIn.begin({ redirectUri })).url,
  complete: (query: string) =>
    here.signIn.complete(new URLSearchParams(query)).catch((thrown: { code?: string; reason?: string }) => ({
      refused: thrown.reason ?? thrown.code,
    })),
  async issue() {
    const { guestId, token, verified } = await here.guests.issue({ scopes: ['webmessaging:guest:send'] })
    const accepted = await here.verifier.verify(token.reveal(), { subject: guestId })
    const [head = '', body = '', signature = ''] = token.reveal().split('.')
    const bent = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    const none = `${btoa('{"alg":"none"}').replaceAll('=', '')}.${body}.`
    const others = await Promise.all([bent, none, `${token.reveal()}=`].map((text) => here.verifier.verify(text)))
    return { guestId, verified, verdict: accepted, others, printed: String(token) + JSON.stringify({ token }) }
  },
  async refresh(guestId: string) {
    const all = await Promise.all([here.guests.refresh(guestId), here.guests.refresh(guestId)])
    return all.map(({ generation }) => generation)
  },
  async renewed() {
    here.accessTokens.reportRejected((await here.accessTokens.token()).token)
    const all = await Promise.all(Array.from({ length: 8 }, () => here.accessTokens.token()))
    return all.map(({ generation }) => generation)
  },
  async events() {
    const types: string[] = []
    for await (const { type } of eventsOf(store, 'default')) types.push(type)
    return { types, links: (await store.chain('default', { limit: 1_000 })).links.length }
  },
  async http(url: string) {
    const http = webHttp()
    const get = (path: string, signal = new AbortController().signal) =>
      http({ method: 'GET', url: url + path, headers: {}, secrets: [] }, signal).then(
        ({ status, headers, bytes }) => ({ status, type: headers['content-type'], size: bytes.length }),
        (thrown: unknown) => (thrown instanceof HttpFault ? thrown.kind : String(thrown)),
      )
    const gone = AbortSignal.abort('the caller left')
    return [
      await get('/small'),
      await get('/large'),
      await get('/reset'),
      await get('/redirect'),
      await get('/small', gone),
    ]
  },
}

export type Page = typeof page
Object.assign(globalThis, { page })
