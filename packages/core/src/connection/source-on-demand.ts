import { loadOnce } from '../ports/load-once.ts'
import type { TokenSource } from '../tokens/access/access-tokens.ts'

/**
 * A source of access tokens that `find` gives on the first call. A call rejects as `find` does; the next call
 * asks `find` again.
 */
export function createSourceOnDemand(find: () => Promise<TokenSource>): TokenSource {
  let source: TokenSource | undefined
  const found = loadOnce(async () => (source = await find()))
  return {
    token: (context) => source?.token(context) ?? found().then((one) => one.token(context)),
    reportRejected(token, by) {
      if (source) return source.reportRejected(token, by)
      // The source is not known yet. It gets the report before the next token is requested.
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
