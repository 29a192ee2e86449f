import { type Expectations, type Field, GuestpassError, type Verdict, type Verifier } from '@guestpass/core'

/** What must be true of a token, beyond what holds for all tokens of the connection. */
export type VerifyExpectations = Pick<Expectations, 'subject' | 'scopes'>

/** Checks a token after its arguments. Rejects with `invalid_input`: a check that was meant and misspelt must not pass. */
export async function verified(verifier: Verifier, token: unknown, expectations: unknown): Promise<Verdict> {
  const faults = [...tokenFaults(token), ...expectationFaults(expectations)]
  if (faults.length > 0) {
    const said = faults.map(({ field, message, remedy }) => `${field} ${message}. ${remedy}`).join(' ')
    throw new GuestpassError('invalid_input', `The token was not checked: ${said}`, { fields: faults })
  }
  return verifier.verify(token as string, expectations as VerifyExpectations | undefined)
}

const tokenFaults = (token: unknown): readonly Field[] =>
  typeof token === 'string'
    ? []
    : [
        {
          field: 'token',
          message: 'is no text',
          remedy: 'Give the token as it came; of a Secret, what reveal() gives.',
        },
      ]

function expectationFaults(expectations: unknown): readonly Field[] {
  if (expectations === undefined) return []
  if (typeof expectations !== 'object' || expectations === null || Array.isArray(expectations))
    return [
      { field: 'expectations', message: 'is no object', remedy: 'Give { subject, scopes }, those that are expected.' },
    ]
  const { subject, scopes, ...others } = expectations as Readonly<Record<string, unknown>>
  const isList = Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string')
  return [
    ...(subject === undefined || typeof subject === 'string'
      ? []
      : [{ field: 'subject', message: 'is no text', remedy: 'Give the id that the token must be of.' }]),
    ...(scopes === undefined || isList
      ? []
      : [{ field: 'scopes', message: 'is no list of texts', remedy: "Give a list, as ['webmessaging:guest:send']." }]),
    ...Object.keys(others).map((name) => ({
      field: name.slice(0, 60),
      message: 'is not known',
      remedy: 'Known are subject and scopes.',
    })),
  ]
}
