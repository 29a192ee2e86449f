import { lengthPrefixed } from '../domain/length-prefix.ts'

/** The most states that one factory keeps by default. */
const MAX_STATES = 1_000

/** The state of a key of a connection, made when it is first asked for. */
type KeyedStates<State> = (connection: string, key: string) => State

/**
 * Creates a bounded map from connection and key to a state. Beyond `max` states (default 1000) the least
 * recently used one is dropped, unless it is busy.
 *
 * @param make makes the state of a new key
 * @param isBusy whether a state must not be dropped now; default never
 */
export function createKeyedStates<State>(
  make: () => State,
  {
    max = MAX_STATES,
    isBusy = () => false,
  }: { readonly max?: number; readonly isBusy?: (state: State) => boolean } = {},
): KeyedStates<State> {
  const states = new Map<string, State>()
  const dropOldest = (): void => {
    for (const [id, state] of states) {
      if (!isBusy(state)) return void states.delete(id)
    }
  }
  return (connection, key) => {
    const id = lengthPrefixed([connection, key])
    const known = states.get(id)
    if (known !== undefined) states.delete(id)
    else if (states.size >= max) dropOldest()
    const state = known ?? make()
    // A map keeps the order of insertion: the least recently used key is the first.
    states.set(id, state)
    return state
  }
}
