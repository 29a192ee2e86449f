import type { Problem } from '@guestpass/core'

/** What of a problem document (RFC 9457) goes out to a guest. */
export type PublicProblem = Omit<Problem, 'detail' | 'fields' | 'upstream'> & {
  readonly detail?: string
  /** The fields that were wrong, by their paths alone: what else is known of them can hold personal data. */
  readonly fields?: readonly { readonly field: string }[]
}

/** An HTTP answer that any framework can send. */
export interface ProblemResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly problem: PublicProblem
  /** The problem as JSON. */
  readonly body: string
}

/** Headers of the body that a route began with; on the problem in its place they would be wrong. */
export const REPLACED_HEADERS = [
  'content-length',
  'content-encoding',
  'content-range',
  'etag',
  'last-modified',
] as const

/** The answer that carries a problem document; its status is that of the document. */
export const problemResponse = (
  problem: PublicProblem,
  headers: Readonly<Record<string, string>> = {},
): ProblemResponse => ({
  status: problem.status,
  headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  problem,
  body: JSON.stringify(problem),
})
