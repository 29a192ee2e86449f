import type { Problem } from '@guestpass/core'

/** The members of a problem document (RFC 9457) that a guest may see. */
type PublicProblem = Omit<Problem, 'detail' | 'fields' | 'upstream'> & {
  readonly detail?: string
  /** The paths of the wrong fields. The rest of a field can hold personal data. */
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

/** Headers of a body that a route had begun. They would be wrong for the problem document in its place. */
export const REPLACED_HEADERS = [
  'content-length',
  'content-encoding',
  'content-range',
  'etag',
  'last-modified',
] as const

/** The answer with a problem document, and with the status of the document. */
export const problemResponse = (
  problem: PublicProblem,
  headers: Readonly<Record<string, string>> = {},
): ProblemResponse => ({
  status: problem.status,
  headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  problem,
  body: JSON.stringify(problem),
})
