"""Multipart uploads on S3 that were never finished: no listing shows them, and they are charged for."""

import time
from typing import Any, NamedTuple

from storage.folders.folder import Folder
from storage.folders.remote_errors import told
from storage.folders.remote_systems import file_system


class Upload(NamedTuple):
    """One of them; fsspec begins one for each object of more than about 100 MB."""

    bucket: str
    key: str
    upload_id: str


def unfinished_uploads(folder: Folder, *, older_than: float) -> list[Upload]:
    """Those below a folder that began at least so many seconds ago; [] if it isn't on S3."""
    if not folder.url.startswith(("s3://", "s3a://")):
        return []
    system, path = file_system(folder.url)
    bucket, _, prefix = path.partition("/")
    begun: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    with told("listed", folder.url):
        while True:
            answer = system.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **more)
            begun += answer.get("Uploads", [])
            if not answer.get("IsTruncated"):
                break
            more = {
                "KeyMarker": answer["NextKeyMarker"],
                "UploadIdMarker": answer["NextUploadIdMarker"],
            }
    before = time.time() - older_than
    return [
        Upload(bucket, upload["Key"], upload["UploadId"])
        for upload in begun
        if upload["Key"].startswith(f"{prefix}/") and upload["Initiated"].timestamp() <= before
    ]


def abort(folder: Folder, upload: Upload) -> None:
    """End an upload; its parts are freed."""
    system, _ = file_system(folder.url)
    with told("removed", f"{folder.url} (upload of {upload.key})"):
        system.call_s3(
            "abort_multipart_upload",
            Bucket=upload.bucket,
            Key=upload.key,
            UploadId=upload.upload_id,
        )
