/**
 * Watches the child processes and the store files of this thread. Test files share a thread and this module, so that
 * it is installed once. Standard output of programs that are no part of the product is left out: tests exchange tokens
 * with them over it.
 */
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { watchCommand, watchOutput } from './findings.ts'

const LAUNCHER = 'guestpass.js'

/** Copies what a stream reads. Its other readers are not affected. */
function tapped(stream: Readable | null): () => string {
  const chunks: Buffer[] = []
  if (!stream) return () => ''
  const push = stream.push.bind(stream)
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk)
    return push(chunk, encoding)
  }
  return () => Buffer.concat(chunks).toString('utf8')
}

function watchChild(child: ChildProcess): void {
  const [out, err] = [tapped(child.stdout), tapped(child.stderr)]
  const launcher = child.spawnargs.findIndex((word) => basename(word) === LAUNCHER)
  const argv = child.spawnargs.slice(launcher + 1)
  child.once('close', () => {
    if (launcher >= 0) watchCommand(argv, { out: out(), err: err() })
    else watchOutput(`standard error of ${child.spawnargs.slice(0, 3).join(' ')}`, err())
  })
}

subscribe('child_process', (message) => {
  const { process: child } = message as { readonly process: ChildProcess }
  // Its streams are made after this message, and before the first data.
  queueMicrotask(() => watchChild(child))
})

/** Stores with their journals, logs and audit files. Tests put secrets into other files, such as the input of an import. */
const KEPT = /\.(?:db|sqlite)(?:-wal|-journal)?$|\.log$|audit[^/]*\.(?:ndjson|jsonl)$/

function watchFolder(path: unknown): void {
  if (typeof path !== 'string' || !path.startsWith(tmpdir()) || !fs.existsSync(path)) return
  if (!fs.statSync(path).isDirectory()) return
  for (const entry of fs.readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !KEPT.test(entry.name)) continue
    watchOutput(
      `the file ${entry.name} of ${basename(path)}`,
      fs.readFileSync(join(entry.parentPath, entry.name), 'latin1'),
    )
  }
}

// Tests remove the folders of their stores: that is the last moment to look at them.
const { rmSync } = fs
const { rm } = promises
fs.rmSync = (path, options) => {
  watchFolder(path)
  rmSync(path, options)
}
promises.rm = async (path, options) => {
  watchFolder(path)
  await rm(path, options)
}
syncBuiltinESMExports()
