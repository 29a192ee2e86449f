import { type GuestpassError } from '../../errors.ts'
import { type Attempt, openCall, type Policy } from '../../policy/pipeline.ts'
import { exchange, type Network } from '../answer.ts'
import type { Granted } from '../granted.ts'
import {
  type Client,
  type ClientMethod,
  clientCredentialsRequest,
  explainToken,
  grantedOf,
  tokenAnswer,
} from './wire.ts'

export interface OAuthOptions {
  readonly connection: string
  /** Where client-credentials tokens are asked for. */
  readonly tokenUrl: string
  readonly client: Client
  readonly scopes: readonly string[]
  /** `auto`: Basic on the platform's hosts, the form body elsewhere; when that is refused the other way is tried once and remembered. */
  readonly clientAuth: 'auto' | ClientMethod
  /** Whether the token endpoint is on a host of the public platform. */
  readonly platform: boolean
}

/** Where the way that worked is remembered. */
export interface Memory {
  recall(): Promise<ClientMethod | undefined>
  remember(method: ClientMethod): Promise<void>
}

export interface OAuth {
  /** A new access token by client credentials (RFC 6749, 4.4). `onSend` is called just before each try is sent. */
  clientCredentials(onSend: () => void, signal: AbortSignal): Promise<Granted>
}

/** The OAuth token endpoint of an organisation. */
export function oauth(options: OAuthOptions, policy: Policy, network: Network, memory: Memory): OAuth {
  const ask = (method: ClientMethod, onSend: () => void, signal: AbortSignal): Promise<Granted> => {
    const attempt: Attempt<Granted> = async (call) => {
      const request = clientCredentialsRequest(options.tokenUrl, options.client, method, options.scopes)
      onSend()
      const { body, receipt } = await exchange(network, request, tokenAnswer, call, explainToken)
      return grantedOf(body, receipt)
    }
    const { connection } = options
    return policy(attempt)(openCall({ connection, operation: 'token', lane: 'token', repeatable: true, signal }))
  }
  return {
    async clientCredentials(onSend, signal) {
      if (!options.client.secret) return ask('none', onSend, signal)
      if (options.clientAuth !== 'auto') return ask(options.clientAuth, onSend, signal)
      const first = (await memory.recall()) ?? (options.platform ? 'basic' : 'body')
      try {
        return await ask(first, onSend, signal)
      } catch (thrown) {
        if ((thrown as GuestpassError).code !== 'client_rejected') throw thrown
        const other = first === 'basic' ? 'body' : 'basic'
        const granted = await ask(other, onSend, signal)
        await memory.remember(other)
        return granted
      }
    },
  }
}
