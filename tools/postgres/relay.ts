/** An address that follows the server, as a virtual address, a load balancer or a name of a provider does. */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/** A relay of connections. */
export interface Relay {
  readonly port: number
  /** Sends new connections to another port of this machine, and cuts those that are open. */
  pointTo(port: number): void
  /** Holds back everything that is on its way, as a network that lost its route. Connections stay open. */
  hold(): void
  /** Lets everything go on. */
  release(): void
  close(): Promise<void>
}

/** Starts a relay to a port of this machine. */
export async function startRelay(first: number): Promise<Relay> {
  const open = new Set<Socket>()
  let target = first
  let isHeld = false
  const add = (socket: Socket): Socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    return socket
  }
  const join = (from: Socket, to: Socket): void => {
    from.on('data', (chunk) => void to.write(chunk)).on('close', () => to.destroy())
    if (isHeld) from.pause()
  }
  const relay = createServer((incoming) => {
    const outgoing = createConnection(target, '127.0.0.1')
    join(add(incoming), outgoing)
    join(add(outgoing), incoming)
  })
  await once(relay.listen(0, '127.0.0.1'), 'listening')
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (relay.address() as AddressInfo).port,
    pointTo(port) {
      target = port
      cut()
    },
    hold() {
      isHeld = true
      for (const socket of open) socket.pause()
    },
    release() {
      isHeld = false
      for (const socket of open) socket.resume()
    },
    async close() {
      const closed = once(relay, 'close')
      relay.close()
      cut()
      await closed
    },
  }
}
