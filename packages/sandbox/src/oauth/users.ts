import type { Randomness } from '../random.ts'

/** Somebody who can sign in at the sandbox. There is no password: who signs in is chosen on the consent page. */
export interface User {
  readonly id: string
  readonly name: string
  readonly email: string
}

export interface Users {
  readonly all: readonly User[]
  /** Who signs in when nobody is named. */
  readonly first: User
  find(id: string | undefined): User | undefined
}

/** A user who is there from the start; `id` defaults to a UUID. */
export type UserOptions = Omit<User, 'id'> & { readonly id?: string | undefined }

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
