import type { Secret } from '../domain/secret.ts'
import type { TokenSource } from './access-tokens.ts'

/** What is needed of the `ApiClient` of Genesys' own SDK, `purecloud-platform-client-v2`. */
export interface SdkClient {
  setAccessToken(token: string): void
  // Its nine arguments are handed on as they come.
  callApi(...args: never[]): Promise<unknown>
}

const REFUSED = 401

/** The SDK rejects with the status beside the body, or with the error of its HTTP library. */
const statusOf = (thrown: unknown): unknown => {
  const { status, response } = (thrown ?? {}) as {
    readonly status?: unknown
    readonly response?: { readonly status?: unknown }
  }
  return status ?? response?.status
}

/**
 * Drives an `ApiClient` by a token source: every call goes out with a token that is valid now, and one that is refused with 401 is sent once
 * more with the next token, so that callers of the SDK never see it. Concurrent calls share one renewal. All else, as 429, passes as
 * the SDK has it. The answer takes the source off the client again.
 */
export function authorizedSdk(client: SdkClient, source: TokenSource): () => void {
  const original = client.callApi
  const call = async (args: never[]): Promise<{ readonly token: Secret; readonly answer: Promise<unknown> }> => {
    const { token } = await source.token()
    // The client puts the token into the request before `callApi` returns, so that calls at the same time do not take each other's.
    client.setAccessToken(token.reveal())
    return { token, answer: original.apply(client, args) }
  }
  client.callApi = async (...args) => {
    const { token, answer } = await call(args)
    try {
      return await answer
    } catch (thrown) {
      if (statusOf(thrown) !== REFUSED) throw thrown
      source.reportRejected(token)
      return (await call(args)).answer
    }
  }
  return () => {
    client.callApi = original
  }
}
