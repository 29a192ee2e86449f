import { describe, expect, it } from 'vitest'
import { runInstances } from '../instances/instances.ts'
import { ensureDebianBinaries, titleOf } from '../postgres/server.ts'

const bin = ensureDebianBinaries()

describe.skipIf(bin === undefined)(titleOf('two instances on PostgreSQL', bin === undefined), () => {
  it('lose and double nothing when they are killed and paused and the database is restarted', async () => {
    const run = await runInstances({
      bin: bin ?? '',
      seconds: 2,
      seed: 5,
      instances: 2,
      clients: 4,
      everyMs: [400, 800],
      pauseMs: [300, 600],
      downMs: [100, 300],
      longPauseMs: 0,
      settleMs: 0,
    })
    expect([...run.lost, ...run.doubled, ...run.chain, ...run.ownEnds]).toEqual([])
    expect(run.exits).toEqual([])
    expect(run.kills).toBeGreaterThan(0)
    expect(run.acknowledged).toBeGreaterThan(0)
    // Ready again after each restart of the database. How soon is measured by the long form.
    expect(run.restarts.map(({ upMs }) => typeof upMs)).toEqual(['number', 'number'])
  })
})
