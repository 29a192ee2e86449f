import { loadOnce } from '../ports/load-once.ts'
import type { TokenSource } from '../tokens/access/access-tokens.ts'

/** A source of access tokens that is found out by its first call. A call rejects as `find` does; the next call asks `find` again. */
export function sourceOnDemand(find: () => Promise<TokenSource>): TokenSource {
  let source: TokenSource | undefined
  const found = loadOnce(async () => (source = await find()))
  return {
    token: (context) => source?.token(context) ?? found().then((one) => one.token(context)),
    reportRejected(token, by) {
      if (source) return source.reportRejected(token, by)
      // Before the source is known: the report is made before the next token is asked for.
      void found()
        .then((one) => one.reportRejected(token, by))
        .catch(() => {})
      return true
    },
    reportAccepted(token, by) {
      source?.reportAccepted?.(token, by)
    },
  }
}
