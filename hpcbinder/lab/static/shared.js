// JupyterLab's own modules, as it shares them between extensions.

/** One of them: the version that is in use, or else the newest. */
export async function take(shared, name) {
  const versions = Object.entries(shared[name] ?? {});
  if (versions.length === 0) {
    throw new Error(`this JupyterLab shares no ${name}`);
  }
  versions.sort(([one], [other]) => other.localeCompare(one, undefined, { numeric: true }));
  const [, record] = versions.find(([, { loaded }]) => loaded) ?? versions[0];
  return (await record.get())();
}
