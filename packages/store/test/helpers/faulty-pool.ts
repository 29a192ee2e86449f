import type { PgClient, PgPool } from '../../src/postgres/pool.ts'

/** The codes after which the connection is gone, or must not be used any more. */
const LETHAL = new Set(['57P01', '08006', '25006', 'ECONNRESET'])

/** A fault of a statement. `after`: the statement took effect, and its answer is lost. */
export interface Fault {
  readonly code: string
  readonly when: 'before' | 'after'
}

const errorOf = (code: string): Error => Object.assign(new Error(`a fault of the test (${code})`), { code })

/** What a faulty pool asks before each statement, and before each connect. */
export interface FaultScript {
  /** `text`: the statement; `connect` before a connect. */
  readonly next: (text: string) => Fault | undefined
}

/** A pool whose statements fail as a script says. Like the server, it refuses statements after an error. */
export function faultyPool(pool: PgPool, { next }: FaultScript): PgPool {
  return {
    async connect() {
      const fault = next('connect')
      if (fault) throw errorOf(fault.code)
      return faultyClient(await pool.connect(), next)
    },
    close: async () => {},
  }
}

function faultyClient(client: PgClient, next: FaultScript['next']): PgClient {
  let failed: string | undefined
  const fail = (code: string): never => {
    failed = code
    throw errorOf(code)
  }
  return {
    async query(text, values) {
      if (failed !== undefined && LETHAL.has(failed)) throw errorOf('ECONNRESET')
      if (text === 'rollback') failed = undefined
      if (failed !== undefined) throw errorOf('25P02')
      const fault = next(text)
      if (fault?.when === 'before') fail(fault.code)
      const result = await client.query(text, values)
      if (fault?.when === 'after') fail(fault.code)
      return result
    },
    release(isBroken) {
      if (failed !== undefined && LETHAL.has(failed) && !isBroken) throw new Error('A dead connection came back.')
      client.release(isBroken || failed !== undefined)
    },
  }
}
