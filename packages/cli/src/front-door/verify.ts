import type { Expectations, Verdict, Verifier } from '@guestpass/core'
import * as kinds from '@guestpass/core/options'
import { checkArgument, type Parameter } from './arguments.ts'

/** What must be true of a token, beyond what holds for all tokens of the connection. */
export type VerifyExpectations = Pick<Expectations, 'subject' | 'scopes'>

const { kind, list, record } = kinds
const isText = (value: unknown): boolean => typeof value === 'string'

const WHAT = 'The token was not checked'
const TOKEN: Parameter = {
  what: WHAT,
  name: 'token',
  kind: kind('a text', isText, 'Give the token as it came; of a Secret, what reveal() gives.'),
}
const EXPECTATIONS: Parameter = {
  what: WHAT,
  name: 'expectations',
  kind: record<VerifyExpectations>(
    {
      // An empty one is no fault of the program: it is of no guest, and no token matches it.
      subject: kind('a text', isText, 'Give the id that the token must be of.'),
      scopes: list(kind('a text', isText), 0, "Give a list, as ['webmessaging:guest:send']."),
    },
    { remedy: 'Give { subject, scopes }, those that are expected.' },
  ),
}

/** Checks a token after its arguments. Rejects with `invalid_input`: a check that was meant and misspelt must not pass. */
export async function verifyToken(
  verifier: Verifier,
  token: string,
  expectations: VerifyExpectations | undefined,
): Promise<Verdict> {
  const expected = checkArgument(EXPECTATIONS, expectations)
  return verifier.verify(checkArgument(TOKEN, token), expected)
}
