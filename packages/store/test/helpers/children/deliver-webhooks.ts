// A process of its own that delivers the webhooks of a store until it is killed, or there are none left.
import process from 'node:process'
import { type Clock, Secret, webhookRoute, webhooks } from '@guestpass/core'
import { systemClock } from '@guestpass/core/runtime-kit'
import { guardedHttp, nodePorts } from '@guestpass/core/node'
import { openStore, random } from '../open-store.ts'

const [path = '', url = '', secret = '', aheadMs = '0'] = process.argv.slice(2)

/** Each process lives a minute after the one before it, so that nothing has to wait for what a dead one held. */
const real = systemClock()
const clock: Clock = { ...real, wall: () => real.wall() + Number(aheadMs) }
const store = await openStore(path, { clock, route: webhookRoute, busyMs: 60_000 })
const { http, close } = nodePorts({ proxy: false })
const guarded = guardedHttp()
const { drain } = webhooks(
  {
    connection: 'default',
    configured: [{ id: 'one', contract: 'standard', url, includeToken: false, secrets: [new Secret(secret)] }],
  },
  { store, clock, random, http, guardedHttp: guarded.http },
)
process.stdout.write('begun\n')
await drain(new AbortController().signal)
await Promise.all([close(), guarded.close(), store.close()])
