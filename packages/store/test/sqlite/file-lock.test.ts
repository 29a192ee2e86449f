import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { renameDraft } from '../../src/seal/file-key-ring.ts'
import { fileLock } from '../../src/sqlite/index.ts'
import { mayMount, onSmallDisk } from '../helpers/small-disk.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestpass-lock-'))
})
afterEach(() => rm(folder, { recursive: true }))

const path = (): string => join(folder, 'lock')

describe('a file lock', () => {
  it('is held by one holder at a time, and leaves no file', () => {
    const first = fileLock(path())
    expect(first).toBeDefined()
    expect(fileLock(path())).toBeUndefined()
    first?.release()
    expect(existsSync(path())).toBe(false)
    const second = fileLock(path())
    expect(second).toBeDefined()
    second?.release()
  })

  it.skipIf(!mayMount)('says that the disk is full, as the system does', async () => {
    await onSmallDisk(async (disk) => {
      disk.fill()
      expect(() => fileLock(join(disk.folder, 'lock'))).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    })
  })

  it('ends with the process that holds it, even after a kill', async () => {
    const lockFile = fileURLToPath(new URL('../../src/sqlite/file-lock.ts', import.meta.url))
    const script = `const { fileLock } = await import(${JSON.stringify(lockFile)})
      // A lock that nothing refers to ends when memory is collected.
      globalThis.lock = fileLock(${JSON.stringify(path())})
      console.log(globalThis.lock !== undefined); setInterval(() => {}, 1e6)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'close')
    // Also if an expectation fails, or the test takes too long.
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await ended
    })
    const said = once(child.stdout, 'data').then(([chunk]) => String(chunk))
    const early = ended.then(([code]) => `ended with ${code}`)
    expect([await Promise.race([said, early]), fileLock(path())]).toEqual(['true\n', undefined])
    child.kill('SIGKILL')
    await ended
    const next = fileLock(path())
    expect([existsSync(path()), next !== undefined]).toEqual([true, true])
    next?.release()
    // Another process starts slowly on a machine under load.
  }, 60_000)

  it('can be taken on a file that was left behind', () => {
    writeFileSync(path(), '')
    const lock = fileLock(path())
    expect(lock).toBeDefined()
    lock?.release()
  })
})

describe('a key file without hard links', () => {
  it('is created by one of several processes, and never replaced', async () => {
    const file = join(folder, 'encryption.key')
    const drafts = ['a', 'b', 'c'].map((name) => join(folder, name))
    for (const draft of drafts) await writeFile(draft, draft)
    const made: boolean[] = []
    for (const draft of drafts) made.push(await renameDraft(draft, file))
    expect([made, await readFile(file, 'utf8')]).toEqual([[true, false, false], drafts[0]])
    expect(await readdir(folder)).toEqual(['b', 'c', 'encryption.key'])
  })
})
