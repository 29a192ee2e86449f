/** An instance of the service in a process of its own. Its environment has the settings. */
import { createWriteStream } from 'node:fs'
import { readConfig } from '@guestpass/runtime'
import { startService } from '@guestpass/server'

/** Sent when it takes requests. */
export interface Listening {
  readonly url: string
}

/** What it is asked: to say what it has used, or to stop. */
export type InstanceOrder = 'usage' | 'stop'

/** The time on the processor so far, in microseconds. */
export interface Usage {
  readonly cpu: number
}

const { env } = process
const config = await readConfig({ env, cwd: '/', needs: ['hosts', 'clientId'] })
// Lines are made and written, as by `guestpass serve`.
const log = createWriteStream('/dev/null')
const { signal } = new AbortController()
const service = await startService({
  configs: [config],
  host: { env, cwd: '/', signal },
  address: '127.0.0.1',
  port: 0,
  version: 'bench',
  log: (line) => void log.write(line),
})

async function obey(order: InstanceOrder): Promise<void> {
  if (order === 'stop') {
    await service.stop()
    process.exit()
  }
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system } satisfies Usage)
}

process.on('message', ({ order }: { readonly order: InstanceOrder }) => void obey(order))
process.send?.({ url: service.url } satisfies Listening)
