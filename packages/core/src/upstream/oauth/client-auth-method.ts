import { causedBy, GuestpassError } from '../../domain/errors.ts'
import { type OAuthClient, type ClientAuthMethod, isEncodingMatter } from './client.ts'

/** Where the way that worked is remembered. */
export interface MethodMemory {
  recall(): Promise<ClientAuthMethod | undefined>
  remember(method: ClientAuthMethod): Promise<void>
}

export interface MethodSelectionOptions {
  readonly client: OAuthClient
  /**
   * `auto`: a private key where there is one; else what the server advertises, else Basic on the platform's
   * hosts and the form body elsewhere. When that is refused the other way is tried once and remembered.
   */
  readonly clientAuth: 'auto' | ClientAuthMethod
  /** Whether the token endpoint is on a host of the public platform. */
  readonly platform: boolean
  /**
   * What the server says that it takes (RFC 8414, token_endpoint_auth_methods_supported); undefined when it
   * does not say.
   */
  readonly advertised?: (() => Promise<readonly string[] | undefined>) | undefined
}

/** Refusals of a server that knows who the client is. */
const PROVING: ReadonlySet<string | undefined> = new Set([
  'invalid_grant',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'authorization_pending',
  'slow_down',
  'access_denied',
  'expired_token',
])

const provesClient = (thrown: unknown): boolean =>
  thrown instanceof GuestpassError && thrown.code !== 'client_rejected' && PROVING.has(thrown.upstream?.code)

const isRefused = (thrown: unknown): thrown is GuestpassError =>
  thrown instanceof GuestpassError && thrown.code === 'client_rejected'

const WORDS = { basic: 'in Basic', body: 'in the form body' } as const

/** A code that is not taken after the client was refused may have been used up by that. */
const usedUp = (error: GuestpassError, one: keyof typeof WORDS, other: keyof typeof WORDS): GuestpassError =>
  new GuestpassError(
    error.code,
    `${error.message} Before that, upstream refused the client, which was named ${WORDS[one]}; that may have used the code up. The next sign-in names it ${WORDS[other]}. If that is refused too, check \`client.secret\`.`,
    causedBy(error),
  )

/**
 * Sends with the way in which the client names itself that was proven last. A refused client proves that
 * nothing was done, so that the other way may be tried once. Any answer of a server that knows the client
 * proves the way, also a refusal: a server that uses codes up with a refused client is sent the next one in
 * the way that it takes.
 */
export function createMethodSelection(
  { client, clientAuth, platform, advertised }: MethodSelectionOptions,
  memory: MethodMemory,
) {
  /** The way that was proven last in this process: then the memory that processes share is not asked. */
  let known: ClientAuthMethod | undefined

  async function proven<T>(method: ClientAuthMethod, send: (method: ClientAuthMethod) => Promise<T>): Promise<T> {
    try {
      const answer = await send(method)
      known = method
      return answer
    } catch (thrown) {
      if (provesClient(thrown)) known = method
      throw thrown
    }
  }

  async function first(): Promise<'basic' | 'body'> {
    const remembered = known ?? (await memory.recall())
    if (remembered === 'basic' || remembered === 'body') return remembered
    const said = await advertised?.()
    const isTaken = (method: string): boolean => said?.includes(method) === true
    if (isTaken('client_secret_basic') !== isTaken('client_secret_post'))
      return isTaken('client_secret_basic') ? 'basic' : 'body'
    return platform ? 'basic' : 'body'
  }

  return async <T>(send: (method: ClientAuthMethod) => Promise<T>): Promise<T> => {
    if (clientAuth === 'private_key_jwt' || (clientAuth === 'auto' && client.privateKey)) return send('private_key_jwt')
    if (!client.secret) return send('none')
    if (clientAuth !== 'auto') return send(clientAuth)
    const one = await first()
    let refused: GuestpassError
    try {
      return await proven(one, send)
    } catch (thrown) {
      if (!isRefused(thrown)) throw thrown
      refused = thrown
    }
    const other = one === 'basic' ? 'body' : 'basic'
    try {
      return await proven(other, send)
    } catch (thrown) {
      if (thrown instanceof GuestpassError && thrown.code === 'sign_in_refused') throw usedUp(thrown, one, other)
      // The encoding of Basic may be at fault, of which the refusal of the body says nothing.
      throw isRefused(thrown) && one === 'basic' && isEncodingMatter(client) ? refused : thrown
    } finally {
      // What came must not be lost because the store cannot take a note.
      if (known === other) await memory.remember(other).catch(() => {})
    }
  }
}
