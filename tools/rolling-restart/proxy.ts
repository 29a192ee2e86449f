import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installCommand, installPackages, isCi } from '../debian-packages.ts'
import { freePort } from '../free-port.ts'
import { killAtExit } from '../kill-at-exit.ts'

const PACKAGES = ['haproxy'] as const

/** The command that installs HAProxy. */
export const INSTALL = installCommand(PACKAGES)

const hasProxy = (): boolean => spawnSync('haproxy', ['-v']).status === 0

/** Whether HAProxy is installed. Installs it if this is CI and the user is root. */
export function ensureProxy(): boolean {
  if (!hasProxy() && isCi()) installPackages(PACKAGES)
  return hasProxy()
}

const serverLine = (port: number, at: number): string => `  server instance-${at} 127.0.0.1:${port}`

/** A load balancer as an operator sets it up: it asks for `/readyz`, and sends again only what was never sent. */
const configuration = (port: number, backends: readonly number[]): string => `global
  maxconn 500
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout check 5s
  option redispatch
  retries 2
  retry-on conn-failure
frontend service
  bind 127.0.0.1:${port}
  default_backend instances
backend instances
  balance roundrobin
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr host localhost
  http-check expect status 200
  default-server check inter 200ms fall 1 rise 1
${backends.map(serverLine).join('\n')}
`

/** Starts HAProxy before services on these ports. */
export async function startProxy(
  folder: string,
  backends: readonly number[],
): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const port = await freePort()
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, configuration(port, backends))
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'ignore'] })
  killAtExit(child)
  return { url: `http://127.0.0.1:${port}`, child }
}
