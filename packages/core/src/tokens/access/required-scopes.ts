import { lackedScopes } from '../../domain/scopes.ts'
import { causedBy, GuestpassError } from '../../domain/errors.ts'
import type { AccessToken, TokenSource } from './access-tokens.ts'

/** The source for calls that need these scopes. Its `token` rejects with `scope_missing` where one is known to be lacking. */
export function requireScopes(source: TokenSource, needed: readonly string[], connection: string): TokenSource {
  /** The latest answer that had them: a source gives the same one while its token is fresh. */
  let approved: Promise<AccessToken> | undefined
  const approve = async (answer: Promise<AccessToken>): Promise<AccessToken> => {
    const held = await answer
    const lacking = held.scopes.length === 0 ? [] : lackedScopes(needed, held.scopes)
    if (lacking.length === 0) {
      approved = answer
      return held
    }
    throw new GuestpassError(
      'scope_missing',
      `Connection ${connection}: the access token lacks the scope ${lacking.join(' ')}: this call asks for ${needed.join(' ')}, and ${held.scopes.join(' ')} was granted. Add it to the OAuth client, and to \`scopes\` if that is set.`,
    )
  }
  return {
    ...source,
    token(context) {
      const answer = source.token(context)
      return answer === approved ? answer : approve(answer)
    },
  }
}

/** Throws what a token request failed with. Where upstream refused its scopes (RFC 6749, 5.2), they are named. */
export function rethrowWithScopes(thrown: unknown, asked: readonly string[]): never {
  if (!(thrown instanceof GuestpassError) || thrown.code !== 'scope_missing' || !thrown.upstream) throw thrown
  throw new GuestpassError('scope_missing', `${thrown.message} ${whatIsMissing(asked)}`, causedBy(thrown))
}

function whatIsMissing(asked: readonly string[]): string {
  if (asked.length === 0) return 'It asked for no scope by name, and this client has none by default. Set `scopes`.'
  const missing = asked.length === 1 ? asked.join('') : `at least one of ${asked.join(', ')}`
  return `It asked for ${asked.join(' ')}, and nothing was granted: the OAuth client lacks ${missing}.`
}
