import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'

const places = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const found = (): string | undefined => places.find((path) => path !== undefined && existsSync(path))

/** The command that brings a browser where there is none. */
export const REMEDY = 'apt-get install chromium, or set CHROMIUM_PATH'

/** The path of a Chromium; installed where that is possible and surprises no user: as root, in CI. */
export function chromium(): string | undefined {
  const path = found()
  if (path !== undefined || !process.env['CI'] || process.getuid?.() !== 0) return path
  const apt = (...words: string[]): void => void spawnSync('apt-get', ['-qq', '-y', ...words], { stdio: 'ignore' })
  apt('update')
  apt('install', '--no-install-recommends', 'chromium')
  return found()
}

/** No services of its own that would look for a network. */
export const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
