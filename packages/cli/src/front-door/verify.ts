import type { Expectations, Verdict, Verifier } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { checkArgument, type Parameter } from './arguments.ts'

/**
 * What a token must have besides a valid signature, time, issuer and audience: `subject`, its guest id, and
 * `scopes`.
 */
export type VerifyExpectations = Pick<Expectations, 'subject' | 'scopes'>

const { schema, list, object } = schemas
const isText = (value: unknown): boolean => typeof value === 'string'

const WHAT = 'The token was not checked'
const TOKEN: Parameter = {
  what: WHAT,
  name: 'token',
  kind: schema('a text', isText, 'Give the token as it came; of a Secret, what reveal() gives.'),
}
const EXPECTATIONS: Parameter = {
  what: WHAT,
  name: 'expectations',
  kind: object<VerifyExpectations>(
    {
      // An empty subject is allowed: no token matches it.
      subject: schema('a text', isText, 'Give the id that the token must be of.'),
      scopes: list(schema('a text', isText), 0, "Give a list, as ['webmessaging:guest:send']."),
    },
    { remedy: 'Give { subject, scopes }, those that are expected.' },
  ),
}

/**
 * Verifies a token, without white space around it, after its arguments were checked: a misspelt expectation must not make a token valid.
 * Rejects with `invalid_input`.
 */
export async function verifyToken(
  verifier: Verifier,
  token: string,
  expectations: VerifyExpectations | undefined,
): Promise<Verdict> {
  const expected = checkArgument(EXPECTATIONS, expectations)
  return verifier.verify(checkArgument(TOKEN, token).trim(), expected)
}
