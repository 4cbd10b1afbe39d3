// Sends the chosen file in parts that go on after a broken line, and shows how fast; without it the form sends it whole.

const form = document.querySelector("form[data-uploads-url]");
const PART = 8 * 1024 * 1024;
const SMALL = 1024 * 1024;

function size(bytes) {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function start(file, button) {
  const box = form.querySelector("[data-upload-progress]");
  const bar = box.querySelector("progress");
  const text = box.querySelector("[data-upload-text]");
  const field = form.querySelector("input[name=upload]");
  const begun = Date.now();
  let before = null;
  box.hidden = false;
  const upload = new window.tus.Upload(file, {
    endpoint: form.dataset.uploadsUrl,
    chunkSize: PART,
    retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
    headers: { "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value },
    metadata: { filename: file.name },
    removeFingerprintOnSuccess: true,
    onProgress(sent, total) {
      before ??= sent;
      const speed = (sent - before) / Math.max(0.5, (Date.now() - begun) / 1000);
      const left = speed > 0 ? Math.ceil((total - sent) / speed) : 0;
      bar.value = Math.floor((sent / total) * 100);
      text.textContent = `${size(sent)} / ${size(total)} · ${size(speed)}/s${left ? ` · ${left} s` : ""}`;
    },
    onError(error) {
      const answer = error.originalResponse?.getBody();
      text.textContent = answer && answer.length < 300 ? answer : box.dataset.broken;
      box.classList.add("is-bad");
      for (const one of form.querySelectorAll("button[type=submit]")) one.disabled = false;
    },
    onSuccess() {
      field.value = upload.url.replace(/\/$/, "").split("/").pop();
      form.querySelector("input[type=file]").disabled = true;
      if (button?.name) {
        const chosen = document.createElement("input");
        Object.assign(chosen, { type: "hidden", name: button.name, value: button.value });
        form.append(chosen);
      }
      form.submit();
    },
  });
  upload.findPreviousUploads().then((found) => {
    if (found.length) upload.resumeFromPreviousUpload(found[0]);
    upload.start();
  });
}

form?.addEventListener("submit", (event) => {
  const file = form.querySelector("input[type=file]").files[0];
  if (!window.tus?.isSupported || !file || file.size < SMALL || form.querySelector("input[name=upload]").value) return;
  event.preventDefault();
  for (const one of form.querySelectorAll("button[type=submit]")) one.disabled = true;
  start(file, event.submitter);
});
