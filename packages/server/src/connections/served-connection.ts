import type { Connection, Store } from '@guestpass/core'
import type { ApiKeys, Background, ReachableConfig, Runtime } from '@guestpass/runtime'
import type { AnswerStore } from '../idempotency/answer-store.ts'

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
}

/** The connections that this instance serves, by name. */
export interface ServedConnections {
  readonly all: readonly ServedConnection[]
  readonly first: ServedConnection
  get(name: string): ServedConnection | undefined
}

/** Gives connections by their names. There is at least one. */
export function servedConnections(first: ServedConnection, ...others: readonly ServedConnection[]): ServedConnections {
  const all = [first, ...others]
  const byName = new Map(all.map((one) => [one.name, one]))
  return { all, first, get: (name) => byName.get(name) }
}
