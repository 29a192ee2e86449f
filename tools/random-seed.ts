/**
 * A setup file of vitest. A property that fails prints its seed. `GUESTPASS_TEST_SEED=SEED npx vitest run FILE` runs
 * the same cases again.
 */
const given = process.env['GUESTPASS_TEST_SEED']
if (given !== undefined) {
  const seed = Number(given)
  if (!Number.isInteger(seed)) throw new TypeError(`GUESTPASS_TEST_SEED is ${given}. Give a whole number.`)
  // Loaded on demand: most test files have no property.
  const { configureGlobal } = await import('fast-check')
  configureGlobal({ seed })
}
