import { apiKeys } from '../instances/start-instances.ts'

/** The answer to one request. */
export interface ProbeAnswer {
  readonly status: number
  readonly code: string | undefined
  /** Seconds of `Retry-After`. */
  readonly retryAfter: number | undefined
  /** Milliseconds until it came. */
  readonly ms: number
}

/** Asks for a guest. */
export async function probe(url: string): Promise<ProbeAnswer> {
  const sentAt = Date.now()
  const answer = await fetch(`${url}/v1/guests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKeys.issuer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes: ['webmessaging:guest:send'] }),
  })
  const { code } = (await answer.json()) as { readonly code?: string }
  const seconds = answer.headers.get('retry-after')
  const retryAfter = seconds === null ? undefined : Number(seconds)
  return { status: answer.status, code, retryAfter, ms: Date.now() - sentAt }
}
