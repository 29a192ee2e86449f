import type { Randomness } from '../random.ts'

/** A user who can sign in at the sandbox. Users have no password: the consent page offers all of them. */
export interface User {
  /** The claim `sub` of the user's tokens. */
  readonly id: string
  readonly name: string
  readonly email: string
}

export interface Users {
  readonly all: readonly User[]
  /** The user who signs in if no other is named. */
  readonly first: User
  find(id: string | undefined): User | undefined
}

/** A user of the options. */
export interface UserOptions {
  /** Default a UUID. */
  readonly id?: string | undefined
  readonly name: string
  readonly email: string
}

export const defaultUsers: readonly [UserOptions, ...UserOptions[]] = [
  { name: 'Ada Lindqvist', email: 'ada.lindqvist@example.test' },
  { name: 'Bruno Okafor', email: 'bruno.okafor@example.test' },
]

export function createUsers([first, ...others]: readonly [UserOptions, ...UserOptions[]], random: Randomness): Users {
  const user = ({ id = random.uuid(), name, email }: UserOptions): User => ({ id, name, email })
  const seed = user(first)
  const all = [seed, ...others.map(user)]
  return { all, first: seed, find: (id) => all.find((known) => known.id === id) }
}
