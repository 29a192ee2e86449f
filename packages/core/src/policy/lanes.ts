import { lengthPrefixed } from '../domain/key.ts'

/** Names a lane of a connection. */
export interface LaneName {
  readonly connection: string
  readonly lane: string
}

/** Lanes that are remembered at once by one layer. */
const MOST_LANES = 1_000

/**
 * What a layer remembers for each lane of each connection, made when first asked for. Beyond `most` lanes the one that was
 * not asked for the longest is forgotten, except while it is `busy`.
 */
export function lanes<State>(
  make: () => State,
  { most = MOST_LANES, busy = () => false }: { readonly most?: number; readonly busy?: (state: State) => boolean } = {},
): (name: LaneName) => State {
  const states = new Map<string, State>()
  const makeRoom = (): void => {
    if (states.size < most) return
    for (const [key, state] of states) {
      if (!busy(state)) return void states.delete(key)
    }
  }
  return ({ connection, lane }) => {
    const key = lengthPrefixed([connection, lane])
    const known = states.get(key)
    if (known === undefined) makeRoom()
    else states.delete(key)
    const state = known ?? make()
    states.set(key, state)
    return state
  }
}
