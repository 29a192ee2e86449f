/**
 * A worker thread that listens on a port and accepts no connection. When its queue is full, Linux drops every
 * further SYN. It ends when the shared flag is set.
 */
import { createServer } from 'node:net'
import { workerData } from 'node:worker_threads'

/** `flag`: [whether it is to end, 1 when it listens or 2 when it cannot]. */
const { port, flag } = workerData as { readonly port: number; readonly flag: Int32Array }
const server = createServer((socket) => socket.destroy())
server.on('error', () => Atomics.store(flag, 1, 2))
server.listen({ port, host: '127.0.0.1', backlog: 1 }, () => {
  Atomics.store(flag, 1, 1)
  Atomics.wait(flag, 0, 0)
  process.exit()
})
