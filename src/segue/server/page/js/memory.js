// What the browser keeps: the work in IndexedDB, so that a reload loses nothing.

const NAME = "segue-studio";
let opened = null;

function database() {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("work");
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  return opened;
}

async function ask(mode, act) {
  const db = await database();
  return new Promise((done, failed) => {
    const deal = db.transaction("work", mode);
    const request = act(deal.objectStore("work"));
    deal.oncomplete = () => done(request.result);
    deal.onerror = () => failed(deal.error);
    deal.onabort = () => failed(deal.error);
  });
}

export const recall = (key) => ask("readonly", (store) => store.get(key));
export const remember = (key, value) => ask("readwrite", (store) => store.put(value, key));
