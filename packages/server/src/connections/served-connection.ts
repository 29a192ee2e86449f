import type { Connection, Store } from '@guestpass/core'
import type { ApiKeys, Background, OpenStore, ReachableConfig, Runtime } from '@guestpass/runtime'
import type { AnswerStore } from '../idempotency/answer-store.ts'
import type { OpenRequests } from './open-requests.ts'

/** A connection that this instance serves. */
export interface ServedConnection {
  readonly name: string
  readonly config: ReachableConfig
  readonly runtime: Runtime<Store>
  readonly connection: Connection
  readonly background: Background
  readonly keys: ApiKeys
  /** Names the files that may hold data of an erased guest. */
  remainingFiles(): Promise<readonly string[]>
  /** Answers to requests with an Idempotency-Key. */
  readonly answers: AnswerStore
  readonly store: OpenStore
  readonly requests: OpenRequests
  /** From now on, closing the runtime waits for no renewal and no request to the upstream. */
  cutOff(): void
}

/** The connections that this instance serves, by name. */
export interface ServedConnections {
  readonly all: readonly ServedConnection[]
  readonly first: ServedConnection
  get(name: string): ServedConnection | undefined
  /** Puts a connection in the place of that of the same name. */
  replace(one: ServedConnection): void
}

/** Gives connections by their names. There is at least one. */
export function servedConnections(first: ServedConnection, ...others: readonly ServedConnection[]): ServedConnections {
  const byName = new Map([first, ...others].map((one) => [one.name, one]))
  return {
    get all() {
      return [...byName.values()]
    },
    get first() {
      return byName.get(first.name) ?? first
    },
    get: (name) => byName.get(name),
    replace: (one) => void byName.set(one.name, one),
  }
}
