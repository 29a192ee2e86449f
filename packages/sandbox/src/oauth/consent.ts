import { z } from 'zod'
import type { User, Users } from './users.ts'

/** How the authorize endpoint decides on a sign-in. */
export interface ConsentChoice {
  /** True: at once. False: it shows the consent page. */
  readonly auto: boolean
  /** With `auto`: denies. Default: allows. */
  readonly deny?: true | undefined
  /** With `auto`: the id of the user who signs in. Default the first user. */
  readonly user?: string | undefined
}

/** A choice from a control route. */
export const consentBody = z.strictObject({
  auto: z.boolean(),
  deny: z.literal(true).optional(),
  user: z.string().optional(),
})

export interface Consent {
  readonly current: () => ConsentChoice
  /** Throws a ZodError if the input is not a choice. */
  readonly set: (input: unknown) => void
  /** The user who decides without a page. */
  user(): User
}

export function createConsent(auto: boolean, users: Users): Consent {
  const schema = consentBody.extend({ user: userId(users).optional() })
  let choice: ConsentChoice = { auto }
  return {
    current: () => choice,
    set: (input) => {
      choice = schema.parse(input)
    },
    user: () => users.find(choice.user) ?? users.first,
  }
}

/** The schema of the id of a user of the sandbox. */
export function userId(users: Users) {
  const message = `the id of a user: ${users.all.map(({ id, name }) => `${id} (${name})`).join(', ')}`
  return z.string().refine((id) => users.find(id) !== undefined, { error: message })
}
