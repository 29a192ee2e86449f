import type { Expectations, Field, Verdict, Verifier } from '@guestpass/core'
import { fault, objectOf, refused, unknownMembers } from './arguments.ts'

/** What must be true of a token, beyond what holds for all tokens of the connection. */
export type VerifyExpectations = Pick<Expectations, 'subject' | 'scopes'>

/** Checks a token after its arguments. Rejects with `invalid_input`: a check that was meant and misspelt must not pass. */
export async function verified(verifier: Verifier, token: unknown, expectations: unknown): Promise<Verdict> {
  const isText = typeof token === 'string'
  const noText = fault('token', 'is no text', 'Give the token as it came; of a Secret, what reveal() gives.')
  const faults = [...(isText ? [] : [noText]), ...expectationFaults(expectations)]
  if (!isText || faults.length > 0) throw refused('The token was not checked', ...faults)
  return verifier.verify(token, expectations as VerifyExpectations | undefined)
}

function expectationFaults(expectations: unknown): readonly Field[] {
  if (expectations === undefined) return []
  const given = objectOf(expectations)
  if (!given) return [fault('expectations', 'is no object', 'Give { subject, scopes }, those that are expected.')]
  const { subject, scopes } = given
  const isList = Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string')
  return [
    ...unknownMembers(given, ['subject', 'scopes']),
    ...(subject === undefined || typeof subject === 'string'
      ? []
      : [fault('subject', 'is no text', 'Give the id that the token must be of.')]),
    ...(scopes === undefined || isList
      ? []
      : [fault('scopes', 'is no list of texts', "Give a list, as ['webmessaging:guest:send'].")]),
  ]
}
