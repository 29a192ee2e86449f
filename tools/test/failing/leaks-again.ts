/** A second file in the thread of leaks.ts. Only secrets-canary.test.ts runs it. */
import { spawn } from 'node:child_process'
import { it } from 'vitest'

it('leaks in the file that runs next', async () => {
  const LEAK = ['test', 'secret', 'leaked-on-purpose'].join('-')
  const child = spawn(process.execPath, ['-e', 'console.error(process.env.LEAK)'], { env: { LEAK } })
  child.stderr.resume()
  await new Promise((resolve) => child.once('close', resolve))
})
